"""Another library's operations through the Cython interface: built against the package as it is, and run."""

import gc
import importlib.util
import math
import os
import shutil
import subprocess
import sys
import weakref
from pathlib import Path

import numpy as np
import pytest
from module import IS_TORCH, ac, to_numpy
from support import SECOND_BACKWARD, STALE, gradient, leaf, raises
from test_leaks import assert_no_leak, freeze, unfreeze  # noqa: F401  (fixtures)

if IS_TORCH:
    pytest.skip("torch has no Cython interface", allow_module_level=True)
pytest.importorskip("Cython")


@pytest.fixture(scope="module")
def downstream(tmp_path_factory):
    """The module, compiled where the package is found as a user's build would find it."""
    folder = tmp_path_factory.mktemp("build") / "downstream"
    shutil.copytree(Path(__file__).parent / "downstream", folder)
    package = Path(ac.__file__).parents[1]
    done = subprocess.run(
        [sys.executable, "setup.py", "build_ext", "--inplace"],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(package), os.environ.get("PYTHONPATH", "")])},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode and ("gcc" in done.stderr or "compiler" in done.stderr) and "not found" in done.stderr:
        pytest.skip("no C compiler")
    assert done.returncode == 0, done.stdout + done.stderr
    (built,) = [path for path in folder.iterdir() if path.suffix in (".so", ".pyd")]
    spec = importlib.util.spec_from_file_location("downstream", built)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def system(n=5):
    """The diagonals and the right-hand side of a system that is well conditioned."""
    rng = np.random.default_rng(n)
    return [leaf(rng.uniform(0.2, 0.8, k) + shift) for k, shift in ((n - 1, 0), (n, 3), (n - 1, 0), (n, 0))]


class TestElementwise:
    @pytest.mark.parametrize("shape", [(), (1,), (3,), (2, 3), (0,), (100_000,)])
    def test_values_and_gradients(self, downstream, shape):
        data = np.random.default_rng(0).normal(size=shape)
        x = leaf(data)
        y = downstream.softabs(x, 0.5)
        assert type(y.grad_fn).__name__ == y.grad_fn.name() == "SoftabsBackward0"
        np.testing.assert_allclose(to_numpy(y.detach()), np.hypot(data, 0.5), rtol=1e-15)
        y.sum().backward()
        np.testing.assert_allclose(to_numpy(x.grad), data / np.hypot(data, 0.5), rtol=1e-14)

    @pytest.mark.parametrize("layout", ["transposed", "strided", "expanded"])
    def test_strided_operands(self, downstream, layout):
        data = np.random.default_rng(1).normal(size=(4, 6))
        x = leaf(data)
        v = {"transposed": x.t(), "strided": x[:, ::2], "expanded": x[:, :1].expand(4, 6)}[layout]
        y = downstream.softabs(v, 0.5)
        np.testing.assert_allclose(to_numpy(y.detach()), np.hypot(to_numpy(v.detach()), 0.5), rtol=1e-15)
        assert ac.autograd.gradcheck(lambda x: downstream.softabs(x.t()[1:], 0.5), x)

    def test_other_dtypes_become_doubles(self, downstream):
        assert downstream.softabs(ac.tensor([3, 4]), 0.0).tolist() == [3.0, 4.0]
        assert downstream.hypot(ac.tensor([3, 5]), ac.tensor([True])).dtype is ac.float64

    @pytest.mark.parametrize(("a", "b"), [((3,), (3,)), ((2, 3), (3,)), ((2, 1), (1, 4)), ((), (3,)), ((3,), ())])
    def test_two_operands(self, downstream, a, b):
        rng = np.random.default_rng(2)
        x, y = leaf(rng.uniform(1.0, 2.0, a)), leaf(rng.uniform(1.0, 2.0, b))
        result = downstream.hypot(x, y)
        np.testing.assert_allclose(
            to_numpy(result.detach()), np.hypot(to_numpy(x.detach()), to_numpy(y.detach())), rtol=1e-15
        )
        assert type(result.grad_fn).__name__ == "HypotBackward0"
        assert ac.autograd.gradcheck(downstream.hypot, (x, y), check_forward_ad=True)
        assert ac.autograd.gradgradcheck(downstream.hypot, (x, y))

    def test_numbers(self, downstream):
        x = leaf()
        np.testing.assert_allclose(gradient(downstream.hypot(x, 2).sum(), x), [1 / 5**0.5, 2 / 8**0.5, 3 / 13**0.5])
        np.testing.assert_allclose(gradient(downstream.hypot(2.0, x).sum(), x), [1 / 5**0.5, 2 / 8**0.5, 3 / 13**0.5])

    def test_formulas(self, downstream):
        x = leaf()
        assert ac.autograd.gradcheck(lambda t: downstream.softabs(t, 0.5), x, check_forward_ad=True)
        assert ac.autograd.gradgradcheck(lambda t: downstream.softabs(t, 0.5), x)

    def test_without_a_formula(self, downstream):
        x = leaf()
        assert ac.autograd.gradcheck(lambda t: downstream.plain(t, 0.5), x)
        y = downstream.plain(x, 0.5).sum()
        message = "PlainBackward0 has no second derivative, and none in forward mode: it was registered without"
        with raises(RuntimeError, message):
            ac.autograd.grad(y, x, create_graph=True)
        forward_ad = ac.autograd.forward_ad
        with forward_ad.dual_level(), raises(RuntimeError, message):
            downstream.plain(forward_ad.make_dual(x.detach(), ac.ones(3)), 0.5)

    def test_packed_without_a_formula(self, downstream):
        x = leaf()
        expected = gradient(downstream.plain(x, 0.5).sum(), x)
        with ac.autograd.graph.saved_tensors_hooks(lambda t: to_numpy(t.detach()).copy(), ac.tensor):
            y = downstream.plain(x, 0.5)
        np.testing.assert_array_equal(gradient(y.sum(), x), expected)

    def test_saved_tensors(self, downstream):
        x = leaf() * 1.0
        y = downstream.softabs(x, 0.5)
        x.zero_()
        with raises(RuntimeError, STALE):
            y.sum().backward()
        x = leaf()
        kept = []
        with ac.autograd.graph.saved_tensors_hooks(lambda t: kept.append(t.shape) or t, lambda t: t):
            downstream.softabs(x, 0.5).sum().backward()
        assert len(kept) == 2
        y = downstream.softabs(x, 0.5).sum()
        y.backward()
        with raises(RuntimeError, SECOND_BACKWARD):
            y.backward()

    def test_threads_give_the_same_bits(self, downstream):
        x = leaf(np.random.default_rng(3).normal(size=300_000))
        before = ac.get_num_threads()
        try:
            found = []
            for threads in (1, 2):
                ac.set_num_threads(threads)
                x.grad = None
                downstream.softabs(x, 0.5).sum().backward()
                found.append(to_numpy(x.grad).tobytes())
        finally:
            ac.set_num_threads(before)
        assert found[0] == found[1]

    def test_names_the_line(self, downstream):
        y = downstream.twice(leaf())
        assert y.grad_fn._source[0] == __file__

    def test_refused(self, downstream):
        with raises(TypeError, "expected a Tensor, but got list"):
            downstream.softabs([1.0], 0.5)
        with raises(TypeError, "expected a Tensor or a number, but got str"):
            downstream.hypot(leaf(), "x")
        with raises(RuntimeError, "The size of tensor a (3) must match the size of tensor b (2)"):
            downstream.hypot(leaf(), leaf([1.0, 2.0]))

    def test_a_node_cannot_be_made(self, downstream):
        cls = type(downstream.twice(leaf()).grad_fn)
        with pytest.raises(TypeError):
            cls.__new__(cls)


class TestAnyOperation:
    @pytest.mark.parametrize("n", [1, 2, 5, 40])
    def test_values(self, downstream, n):
        low, mid, up, d = system(n)
        x = downstream.tridiagonal(low, mid, up, d)
        arrays = [to_numpy(t.detach()) for t in (low, mid, up, d)]
        matrix = np.diag(arrays[0], -1) + np.diag(arrays[1]) + np.diag(arrays[2], 1)
        np.testing.assert_allclose(to_numpy(x.detach()), np.linalg.solve(matrix, arrays[3]), rtol=1e-13)
        assert type(x.grad_fn).__name__ == "TridiagonalBackward0"
        assert ac.autograd.gradcheck(downstream.tridiagonal, (low, mid, up, d))

    def test_some_inputs_only(self, downstream):
        low, mid, up, d = system()
        x = downstream.tridiagonal(low.detach(), mid.detach(), up.detach(), d)
        assert [f is None for f, _ in x.grad_fn.next_functions] == [True, True, True, False]
        assert not downstream.tridiagonal(*[t.detach() for t in (low, mid, up, d)]).requires_grad
        with ac.no_grad():
            assert not downstream.tridiagonal(low, mid, up, d).requires_grad

    def test_second_derivative(self, downstream):
        inputs = system()
        x = downstream.tridiagonal(*inputs)
        with raises(RuntimeError, "TridiagonalBackward0 has no second derivative: its backward is not made of"):
            ac.autograd.grad(x.sum(), inputs, create_graph=True)
        assert ac.autograd.gradgradcheck(downstream.cube, leaf())

    def test_saved_tensors(self, downstream):
        low, mid, up, d = system()
        x = downstream.tridiagonal(low, mid, up, d)
        x.mul_(2.0)  # its result is saved
        with raises(RuntimeError, STALE):
            x.sum().backward()
        low, mid, up, d = system()
        with ac.autograd.graph.saved_tensors_hooks(lambda t: to_numpy(t).copy(), ac.tensor):
            x = downstream.tridiagonal(low, mid, up, d)
        packed = gradient(x.sum(), low, mid, up, d)
        plain = gradient(downstream.tridiagonal(low, mid, up, d).sum(), low, mid, up, d)
        for a, b in zip(packed, plain, strict=True):
            np.testing.assert_array_equal(a, b)

    def test_second_backward(self, downstream):
        y = downstream.cube(leaf()).sum()
        y.backward()
        with raises(RuntimeError, SECOND_BACKWARD):
            y.backward()

    def test_forward_mode(self, downstream):
        forward_ad = ac.autograd.forward_ad
        with forward_ad.dual_level():
            x = forward_ad.make_dual(leaf().detach(), ac.ones(3))
            with raises(RuntimeError, "CubeBackward0 has no derivative in forward mode"):
                downstream.cube(x)


class TestMistakes:
    """Of the other library: each is an error or a nan, none a crash or a derivative that is wrong in silence."""

    @pytest.mark.parametrize("what", ["x", "y", "b"])
    @pytest.mark.parametrize("n", [1, 3, 1000])
    def test_an_operand_that_was_not_declared(self, downstream, what, n):
        x = leaf([2.0] * n)
        y = downstream.forgets(what, x, ac.tensor([5.0] * n))
        assert all(math.isnan(g) for g in gradient(y.sum(), x))
        with ac.autograd.graph.saved_tensors_hooks(lambda t: t, lambda t: t):
            y = downstream.forgets(what, x, ac.tensor([5.0] * n))
        assert all(math.isnan(g) for g in gradient(y.sum(), x))

    @pytest.mark.parametrize("what", ["x", "y", "b"])
    def test_what_formulas_get(self, downstream, monkeypatch, what):
        seen = []
        monkeypatch.setattr(downstream, "answer", lambda g, *operands: seen.append(operands) or g)
        a, b = leaf(), leaf() + 1.0
        ac.autograd.grad(downstream.forgets(what, a, b).sum(), (a, b), create_graph=True, allow_unused=True)
        missing = [[operand is None for operand in operands] for operands in seen]
        assert missing == {"x": [[True, False]], "y": [[False, True]], "b": [[True, True], [False, True]]}[what]

    def test_formulas_get_doubles(self, downstream, monkeypatch):
        seen = []
        monkeypatch.setattr(downstream, "answer", lambda g, *operands: seen.append(operands) or g)
        b = leaf()
        ac.autograd.grad(downstream.forgets("b", ac.tensor([1, 2, 3]), b).sum(), b, create_graph=True)
        assert seen[0][0].dtype is ac.float64

    @pytest.mark.parametrize(
        ("result", "error", "message"),
        [
            (lambda g, x, y: None, TypeError, "the formula of ForgetsXBackward0 must return a Tensor, not NoneType"),
            (lambda g, x, y: 2.0, TypeError, "the formula of ForgetsXBackward0 must return a Tensor, not float"),
            (lambda g, x, y: g.to(ac.int64), TypeError, "must return a Tensor of float64, not of torch.int64"),
            (lambda g, x, y: g.sum(), RuntimeError, "returned sizes [], and [3] are those of the gradient"),
            (lambda g, x, y: ac.ones(4), RuntimeError, "returned sizes [4], and [3] are those of the gradient"),
            (lambda g, x, y: 1 / 0, ZeroDivisionError, "division by zero"),
        ],
    )
    def test_what_formulas_return(self, downstream, monkeypatch, result, error, message):
        monkeypatch.setattr(downstream, "answer", result)
        x = leaf()
        y = downstream.forgets("x", x)
        with raises(error, contains=message):
            ac.autograd.grad(y.sum(), x, create_graph=True)
        forward_ad = ac.autograd.forward_ad
        with forward_ad.dual_level(), raises(error, contains=message):
            downstream.forgets("x", forward_ad.make_dual(x.detach(), ac.ones(3)))
        z = downstream.forgets("b", x, leaf())
        with raises(error, contains=message.replace("ForgetsX", "ForgetsB")):
            ac.autograd.grad(z.sum(), x, create_graph=True)

    def test_tangents_are_broadcast(self, downstream, monkeypatch):
        monkeypatch.setattr(downstream, "answer", lambda g, a, b: g * 1.0)
        forward_ad = ac.autograd.forward_ad
        with forward_ad.dual_level():
            x = forward_ad.make_dual(ac.ones(3), ac.tensor([1.0, 2.0, 3.0]))
            tangent = forward_ad.unpack_dual(downstream.forgets("b", x, ac.ones(2, 1))).tangent
        assert tangent.tolist() == [[1.0, 2.0, 3.0]] * 2

    @pytest.mark.parametrize(
        ("result", "error", "message"),
        [
            (None, TypeError, "the backward of AnsweredBackward0 must return a tuple of gradients, not NoneType"),
            (ac.ones(3), TypeError, "must return a tuple of gradients, not Tensor"),
            ((), RuntimeError, "returned an incorrect number of gradients (expected 1, got 0)"),
            ((ac.ones(3), None), RuntimeError, "returned an incorrect number of gradients (expected 1, got 2)"),
            ((2.0,), RuntimeError, "expected Variable or None (got float)"),
            ((ac.ones(4),), RuntimeError, "returned an invalid gradient at index 0 - got [4] but expected shape"),
        ],
    )
    def test_what_backwards_return(self, downstream, monkeypatch, result, error, message):
        monkeypatch.setattr(downstream, "answer", lambda g, saved, extra: result)
        y = downstream.recorded(ac.ones(3), (leaf(),), ())
        with raises(error, contains=message):
            y.sum().backward()

    def test_a_tangent_that_backward_would_lose(self, downstream, monkeypatch):
        """Forward over reverse: what a backward computes in C has no tangent."""
        monkeypatch.setattr(downstream, "answer", lambda g, saved, extra: (g.detach(),))
        x = leaf()
        forward_ad = ac.autograd.forward_ad
        with forward_ad.dual_level():
            y = downstream.recorded(ac.ones(3), (x,), (), once=True)
            with raises(RuntimeError, "AnsweredOnceBackward0 has no second derivative"):
                y.backward(forward_ad.make_dual(ac.ones(3), ac.ones(3)))

    def test_results_that_are_not_new(self, downstream):
        x, w = ac.ones(3), leaf()
        for y, inputs in ((x, (x, w)), (w, (w,)), (w * 2.0, (w,)), (x[1:], (w,)), (x.detach(), (x, w))):
            before = y.grad_fn, y.requires_grad
            with raises(ValueError, "record: the result must be a new tensor"):
                downstream.recorded(y, inputs, ())
            assert (y.grad_fn, y.requires_grad) == before
        with raises(ValueError, "record: the result must be a new tensor"):
            downstream.identity(w)
        with ac.inference_mode():
            inference = ac.ones(3)
        with raises(RuntimeError, "Inference tensors cannot be saved for backward"):
            downstream.recorded(inference, (w,), ())

    def test_nothing_is_recorded_by_halves(self, downstream):
        """Where a saved tensor is refused, the result has no history."""

        def refuse(t):
            raise OSError("no room")

        with ac.inference_mode():
            inference = ac.ones(3)
        y, w = ac.ones(3), leaf()
        with raises(RuntimeError, "Inference tensors cannot be saved for backward"):
            downstream.recorded(y, (w,), (w, inference))
        with ac.autograd.graph.saved_tensors_hooks(refuse, lambda t: t), raises(OSError, "no room"):
            downstream.recorded(y, (w,), (w, y))
        with raises(TypeError, "expected a Tensor, but got float"):
            downstream.recorded(y, (w,), (1.0,))
        assert not y.requires_grad
        assert y.grad_fn is None

    @pytest.mark.parametrize(
        ("what", "message"),
        [
            ("unary", "this is not an operation that register_unary returned"),
            ("binary", "this is not an operation that register_binary returned"),
            ("record", "this is not an operation that register_op returned"),
            ("null", "this is not an operation that register_unary returned"),
            ("reads", "MistakenBackward0: a derivative cannot read 4"),
            ("kernel", "MistakenBackward0: the kernels of an operation must not be NULL"),
            ("backward", "MistakenBackward0: the backward of an operation must not be NULL"),
            ("name", "'mistaken name' cannot be the name of a node"),
        ],
    )
    def test_registration_and_use(self, downstream, what, message):
        with raises(ValueError, message):
            downstream.mistaken(what, ac.ones(3))

    def test_node_classes_are_sealed(self, downstream):
        a, b = downstream.twice(leaf()).grad_fn, downstream.cube(leaf()).grad_fn
        with pytest.raises(TypeError):
            type(a)()
        with pytest.raises(TypeError):
            type("Derived", (type(a),), {})
        with pytest.raises(TypeError):
            a.__class__ = type(b)
        with pytest.raises(TypeError):
            type(a).name = None


class TestTensors:
    def test_what_they_are(self, downstream):
        assert downstream.describe(3.0) is None
        assert downstream.describe(ac.tensor([1, 2])) == (1, (2,), (1,), 2, True, False)
        assert downstream.describe(ac.tensor(True)) == (0, (), (), 1, True, False)
        assert downstream.describe(leaf([[1.0, 2.0, 3.0]] * 2).t()) == (2, (3, 2), (1, 3), 6, False, True)

    def test_memory_of_the_library(self, downstream):
        x = downstream.six()
        gc.collect()
        assert x.tolist() == [[0.0, 1.0, 2.0], [3.0, 4.0, 5.0]]
        assert (x * 2.0).sum().item() == 30.0

    def test_memory_that_nobody_owns(self, downstream):
        for _ in range(3):
            x = downstream.from_static(2)
            assert x.tolist() == [1.0, 2.0]
            del x
        empty = downstream.from_static(0)
        assert downstream.add_one(empty).tolist() == []
        with raises(ValueError, "from_memory: no memory was given"):
            downstream.from_nowhere(2)
        with raises(ValueError, "from_memory: the memory is not aligned as doubles are"):
            downstream.from_static(1, 4)
        with raises(ValueError, "no sizes were given"):
            downstream.without_sizes(2)
        assert downstream.without_sizes(0).shape == ()

    @pytest.mark.parametrize("change", [lambda x: x.detach(), lambda x: x.add_(1.0), lambda x: x.view(1)])
    def test_data_stay_in_place(self, downstream, change):
        assert downstream.stays(ac.tensor(1.0), change)

    def test_changes_of_scalars_are_seen(self, downstream):
        x = leaf(2.0) * 1.0
        y = x.exp()
        downstream.add_one(y)  # exp has saved it
        with raises(RuntimeError, STALE):
            y.backward()
        assert y.item() == math.exp(2.0) + 1.0

    def test_changes_are_seen(self, downstream):
        x, w = ac.zeros(3), leaf()
        y = (x * w).sum()
        version = x._version
        downstream.add_one(x)
        assert x.tolist() == [1.0] * 3
        assert x._version == version + 1
        with raises(RuntimeError, STALE):
            y.backward()

    def test_new_ones(self, downstream):
        assert downstream.empty().shape == ()
        assert downstream.empty(2, 3).shape == (2, 3)
        assert downstream.empty(0).numel() == 0

    def test_refused(self, downstream):
        with raises(RuntimeError, "Trying to create tensor with negative dimension -1"):
            downstream.empty(-1)
        with raises(ValueError, "a tensor has from 0 to"):
            downstream.empty(*[1] * 99)
        with raises(TypeError, "expected a Tensor of float64, but got one of torch.int64"):
            downstream.add_one(ac.tensor([1, 2]))
        with pytest.raises((MemoryError, RuntimeError)):
            downstream.empty(2**31, 2**31)


ANOTHER_ABI = """
import ctypes, sys
sys.path[:0] = sys.argv[1:]
import autograd_c
get = ctypes.pythonapi.PyCapsule_GetPointer
get.restype, get.argtypes = ctypes.c_void_p, [ctypes.py_object, ctypes.c_char_p]
ctypes.c_int.from_address(get(autograd_c._core._c_api, b"autograd_c._core._c_api")).value = 2
import downstream
"""


def test_another_abi(downstream):
    """A library that was compiled for another table of functions refuses to load."""
    folders = [str(Path(downstream.__file__).parent), str(Path(ac.__file__).parents[1])]
    done = subprocess.run(
        [sys.executable, "-c", ANOTHER_ABI, *folders], capture_output=True, text=True, check=False, timeout=60
    )
    assert "ImportError: compiled for the ABI 1 of autograd_c, and the one that is installed has 2" in done.stderr


@pytest.mark.parametrize("what", ["unary", "binary", "any", "errors", "memory"])
def test_leaks(downstream, what):
    def run():
        x = leaf()
        if what == "unary":
            (g,) = ac.autograd.grad(downstream.softabs(x, 0.5).sum(), x, create_graph=True)
            g.sum().backward()
        elif what == "binary":
            (g,) = ac.autograd.grad(downstream.hypot(x, leaf()[:1]).sum(), x, create_graph=True)
            g.sum().backward()
        elif what == "any":
            downstream.tridiagonal(*system()).sum().backward()
            downstream.tridiagonal(*system())
            (g,) = ac.autograd.grad(downstream.cube(x).sum(), x, create_graph=True)
            g.sum().backward()
        elif what == "memory":
            downstream.six()
            downstream.empty(3)
        else:
            for call in (lambda: downstream.softabs(3, 0.5), lambda: downstream.hypot(x, "x")):
                with pytest.raises(TypeError):
                    call()

    assert_no_leak(run, calls=10)


def test_a_graph_that_refers_to_itself_is_collected(downstream):
    class Marker:
        pass

    marker = Marker()
    gone = weakref.ref(marker)
    y = downstream.softabs(leaf(), 0.5)
    y.register_hook(lambda g, y=y, marker=marker: None)
    marker = y = None
    gc.collect()
    assert gone() is None


def test_records_at_the_speed_of_ours(downstream):
    """Not a measurement: three times what an operation of the core takes would be another mechanism."""
    import time

    x = leaf(1.5)

    def best(function):
        times = []
        for _ in range(20):
            start = time.perf_counter()
            for _ in range(1000):
                function(x)
            times.append(time.perf_counter() - start)
        return min(times)

    assert best(downstream.twice) < 3.0 * best(ac.neg)

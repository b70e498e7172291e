"""What is asked of a recorded graph and hung on its nodes: hooks, edges, metadata, versions.

All of it is also run on PyTorch (`AUTOGRAD_C_TEST_MODULE=torch`).
"""

import gc
import importlib
import threading
import weakref

import pytest
from module import IS_TORCH, ac
from support import leaf, raises

graph = importlib.import_module(f"{ac.__name__}.autograd.graph")
grad = ac.autograd.grad


def exp_and_more():
    """A leaf, its exponential, and three times that."""
    x = leaf()
    y = x.exp()
    return x, y, y * 3.0


# ------------------------------------------------------------------ hooks on nodes
class TestNodeHooks:
    def test_see_gradients_of_inputs_and_outputs(self):
        _, y, z = exp_and_more()
        seen = []
        y.grad_fn.register_prehook(lambda outputs: seen.append(outputs))
        y.grad_fn.register_hook(lambda inputs, outputs: seen.append((inputs, outputs)))
        z.sum().backward()
        (before,), ((inputs,), (after,)) = seen
        assert before.tolist() == after.tolist() == [3.0] * 3
        assert inputs.tolist() == (3.0 * y).tolist()

    def test_replace_gradients(self):
        x, y, z = exp_and_more()
        y.grad_fn.register_prehook(lambda outputs: (outputs[0] * 2.0,))
        y.grad_fn.register_hook(lambda inputs, outputs: (inputs[0] * outputs[0],))
        z.sum().backward()
        assert x.grad.tolist() == (3.0 * 2.0 * 3.0 * 2.0 * y).tolist()

    @pytest.mark.parametrize("kind", ["register_hook", "register_prehook"])
    def test_none_in_place_of_a_gradient_ends_the_way(self, kind):
        x, y, z = exp_and_more()
        getattr(y.grad_fn, kind)(lambda *gradients: (None,))
        z.sum().backward()
        assert x.grad is None

    @pytest.mark.parametrize("kind", ["register_hook", "register_prehook"])
    @pytest.mark.parametrize(
        ("result", "error", "message"),
        [
            (lambda g: g, TypeError, "expected tuple, but hook returned 'Tensor'"),
            (lambda g: [g], TypeError, "expected tuple, but hook returned 'list'"),
            (lambda g: (g, g), RuntimeError, "has returned an incorrect number of values (got 2, but expected 1)"),
            (lambda g: (), RuntimeError, "has returned an incorrect number of values (got 0, but expected 1)"),
            (lambda g: (1,), TypeError, "expected Variable, but hook returned 'int'"),
            (lambda g: (g[:2],), RuntimeError, "has changed the size of value"),
        ],
    )
    def test_wrong_results(self, kind, result, error, message):
        x, y, z = exp_and_more()
        handle = getattr(y.grad_fn, kind)(lambda *gradients: result(gradients[0][0]))
        with raises(error) as caught:
            z.sum().backward(retain_graph=True)
        assert message in str(caught.value)
        assert x.grad is None
        assert ac.is_grad_enabled()
        handle.remove()
        z.sum().backward()
        assert x.grad.tolist() == z.tolist()

    def test_node_with_several_outputs(self):
        parts = leaf().unbind(0)
        seen = []
        parts[1].grad_fn.register_prehook(lambda outputs: seen.append(outputs))
        parts[1].grad_fn.register_hook(lambda inputs, outputs: seen.append((inputs, outputs)))
        (parts[1] * 2.0).backward()
        assert [g if g is None else g.item() for g in seen[0]] == [None, 2.0, None]
        assert seen[1][0][0].tolist() == [0.0, 2.0, 0.0]

    def test_inputs_without_a_gradient_are_none(self):
        x = leaf()
        y = x * ac.ones(3)
        seen = []
        y.grad_fn.register_hook(lambda inputs, outputs: seen.append(inputs))
        y.sum().backward()
        assert seen[0][1] is None
        assert seen[0][0].tolist() == [1.0] * 3

    def test_order_on_a_result(self):
        _, y, z = exp_and_more()
        order = []
        y.grad_fn.register_hook(lambda inputs, outputs: order.append("after"))
        y.grad_fn.register_prehook(lambda outputs: order.append(f"before {outputs[0][0].item():g}"))
        y.retain_grad()
        y.register_hook(lambda g: order.append("tensor") or g * 2.0)
        z.sum().backward()
        assert order == ["tensor", "before 6", "after"]
        assert y.grad.tolist() == [6.0] * 3

    def test_order_on_a_leaf(self):
        x = leaf()
        order = []
        y = x * 2.0
        node = y.grad_fn.next_functions[0][0]
        node.register_hook(lambda inputs, outputs: order.append(("after", inputs, len(outputs))))
        x.register_post_accumulate_grad_hook(lambda t: order.append("accumulated"))
        node.register_prehook(lambda outputs: order.append("before") or (outputs[0] * 10.0,))
        x.register_hook(lambda g: order.append("tensor") or g + 1.0)
        y.sum().backward()
        assert order == ["tensor", "before", "accumulated", ("after", (), 1)]
        assert x.grad.tolist() == [30.0] * 3

    def test_not_called_for_inputs_that_are_only_captured(self):
        x, y, z = exp_and_more()
        called = []
        y.grad_fn.register_prehook(lambda outputs: called.append("before"))
        y.register_hook(lambda g: called.append("tensor"))
        grad(z.sum(), y, retain_graph=True)
        assert called == ["tensor"]
        grad(z.sum(), x)
        assert called == ["tensor", "tensor", "before"]

    def test_handle(self):
        _, y, z = exp_and_more()
        called = []
        with y.grad_fn.register_hook(lambda inputs, outputs: called.append(1)):
            z.sum().backward(retain_graph=True)
        z.sum().backward(retain_graph=True)
        handle = y.grad_fn.register_prehook(lambda outputs: called.append(2))
        z.sum().backward(retain_graph=True)
        handle.remove()
        handle.remove()
        z.sum().backward()
        assert called == [1, 2]

    def test_second_derivatives_pass_through(self):
        x = ac.tensor(2.0, requires_grad=True)
        y = x**3
        y.grad_fn.register_hook(lambda inputs, outputs: (inputs[0] * x,))
        (first,) = grad(y, x, create_graph=True)
        assert first.item() == 24.0  # 3 x^2 times x
        assert grad(first, x)[0].item() == 36.0

    def test_a_hook_that_writes_changes_its_own_gradient_only(self):
        if IS_TORCH:
            pytest.skip("PyTorch changes the other one, too")
        a, b = leaf(), leaf()
        y = a + b  # passes one gradient on to both
        a_node = (a * 1.0).grad_fn.next_functions[0][0]
        z = y * 1.0
        a_node.register_prehook(lambda outputs: (outputs[0].zero_(), None)[1])
        z.sum().backward()
        assert b.grad.tolist() == [1.0] * 3

    def test_exception_passes_and_leaves_all_sound(self):
        x, y, z = exp_and_more()

        class Own(Exception):
            pass

        def fail(*gradients):
            raise Own

        for kind in ("register_hook", "register_prehook"):
            with getattr(y.grad_fn, kind)(fail), pytest.raises(Own):
                z.sum().backward(retain_graph=True)
            assert ac.is_grad_enabled()
        z.sum().backward()
        assert x.grad.tolist() == z.tolist()

    @pytest.mark.skipif(IS_TORCH, reason="PyTorch leaks these cycles")
    @pytest.mark.parametrize("kind", ["register_hook", "register_prehook", "metadata"])
    def test_a_cycle_through_a_hook_is_collected(self, kind):
        x = leaf()
        y = (x * 2.0).exp()
        if kind == "metadata":
            y.grad_fn.next_functions[0][0].metadata["y"] = y
        else:
            getattr(y.grad_fn.next_functions[0][0], kind)(lambda *gradients, y=y: None)
        gone = weakref.ref(y)
        del y
        gc.collect()
        assert gone() is None


# ------------------------------------------------------------------ what nodes tell
class TestNodes:
    def test_metadata_belongs_to_the_node(self):
        _, y, z = exp_and_more()
        y.grad_fn.metadata["key"] = 1
        assert y.grad_fn.metadata == {"key": 1}
        assert z.grad_fn.metadata == {}
        assert z.grad_fn.next_functions[0][0].metadata == {"key": 1}

    def test_class(self):
        _, y, z = exp_and_more()
        assert isinstance(y.grad_fn, graph.Node)
        assert not isinstance(y, graph.Node)
        assert repr(y.grad_fn).startswith("<ExpBackward0 object at 0x")
        assert repr(y.grad_fn.next_functions[0][0]).startswith("<AccumulateGrad object at 0x")
        assert y.grad_fn._sequence_nr() < z.grad_fn._sequence_nr()


# ------------------------------------------------------------------ edges
class TestGradientEdge:
    def test_of_results_and_leaves(self):
        x, y, _ = exp_and_more()
        edge = graph.get_gradient_edge(y)
        assert edge.node is y.grad_fn
        assert edge.output_nr == 0
        assert graph.get_gradient_edge(x).node.variable is x
        part = leaf().unbind(0)[2]
        assert graph.get_gradient_edge(part).output_nr == 2

    def test_of_what_requires_no_gradient(self):
        with raises(
            RuntimeError, "It is not possible to get the gradient edge for a Tensor that does not require gradients"
        ):
            graph.get_gradient_edge(ac.ones(2))

    def test_as_input_and_as_root(self):
        x, y, z = exp_and_more()
        edge_y, edge_z = graph.get_gradient_edge(y), graph.get_gradient_edge(z)
        expected = z.tolist()
        del y
        assert grad(z.sum(), edge_y, retain_graph=True)[0].tolist() == [3.0] * 3
        assert grad(z.sum(), [x, edge_y], retain_graph=True)[1].tolist() == [3.0] * 3
        del z
        assert grad(edge_z, x, ac.ones(3), retain_graph=True)[0].tolist() == expected
        ac.autograd.backward(edge_z, ac.ones(3), retain_graph=True)
        ac.autograd.backward([edge_z], [ac.ones(3)], inputs=[graph.get_gradient_edge(x)])
        assert x.grad.tolist() == [2 * value for value in expected]

    def test_errors(self):
        x, _, z = exp_and_more()
        edge = graph.get_gradient_edge(z)
        with raises(RuntimeError, "grad can be implicitly created only for scalar outputs"):
            grad(edge, x)
        with raises(RuntimeError) as caught:
            grad(edge, x, ac.ones(2))
        assert "Mismatch in shape: grad_output[0] has a shape of torch.Size([2])" in str(caught.value)
        with raises(RuntimeError, "materialize_grads cannot be used when the given input is a GradientEdge"):
            other = graph.get_gradient_edge(leaf() * 2.0)
            grad(z.sum(), [other], materialize_grads=True)


# ------------------------------------------------------------------ gradients of several at once
class TestBatchedGrad:
    def test_jacobian(self):
        x = leaf()
        (jacobian,) = grad(x * x, x, ac.eye(3), is_grads_batched=True)
        assert jacobian.tolist() == ac.diag_embed(2 * x).tolist() if IS_TORCH else (ac.eye(3) * (2 * x)).tolist()

    def test_of_several_outputs_and_inputs(self):
        a, b = leaf(), leaf()
        g = ac.arange(6.0).view(2, 3)
        found = grad((a * b, a + 1.0), (a, b), (g, 2 * g), is_grads_batched=True, retain_graph=True)
        for k in range(2):
            one = grad((a * b, a + 1.0), (a, b), (g[k], 2 * g[k]))
            assert [f[k].tolist() for f in found] == [f.tolist() for f in one]

    def test_unused_inputs(self):
        a, b = leaf(), leaf()
        found = grad(a * 2.0, (a, b), ac.ones(2, 3), is_grads_batched=True, allow_unused=True)
        assert found[1] is None

    def test_wrong_sizes(self):
        x = leaf()
        with raises(RuntimeError) as caught:
            grad(x * x, x, ac.ones(2, 4), is_grads_batched=True)
        assert "we interpret the first dimension of each grad_output as the batch dimension" in str(caught.value)
        with raises(ValueError):
            grad((x * x).sum(), x, is_grads_batched=True)


# ------------------------------------------------------------------ versions
class TestIncrementVersion:
    def test_makes_saved_values_stale(self):
        x = leaf()
        y = x.exp()
        graph.increment_version(y)
        assert y._version == 1
        with raises(RuntimeError) as caught:
            y.sum().backward()
        assert "has been modified by an inplace operation" in str(caught.value)

    def test_of_a_scalar_that_its_node_saved(self):
        y = ac.tensor(1.0, requires_grad=True).exp()
        graph.increment_version([y])
        with raises(RuntimeError) as caught:
            y.backward()
        assert "has been modified by an inplace operation" in str(caught.value)

    def test_of_several_and_of_inference_tensors(self):
        a, b = ac.ones(2), ac.ones(3)
        graph.increment_version(t for t in (a, b, b))
        assert (a._version, b._version) == (1, 2)
        with ac.inference_mode():
            c = ac.ones(1)
        graph.increment_version(c)


# ------------------------------------------------------------------ hooks on several tensors
class TestMultiGradHook:
    @staticmethod
    def tensors():
        x = ac.tensor(2.0, requires_grad=True)
        p, q = x * 2.0, x * 3.0
        return p, q, p * p

    def test_all(self):
        p, q, r = self.tensors()
        seen = []
        handle = graph.register_multi_grad_hook((p, q, r), lambda gs: seen.append([g and g.item() for g in gs]))
        (p + q).backward(retain_graph=True)
        (r + q).backward(retain_graph=True)
        (p * 1.0).backward(retain_graph=True)
        handle.remove()
        (p + q).backward()
        assert seen == [[1.0, 1.0, None], [8.0, 1.0, 1.0], [1.0, None, None]]

    def test_any(self):
        p, q, r = self.tensors()
        seen = []
        with graph.register_multi_grad_hook((p, q, r), lambda g: seen.append(g.item()), mode="any"):
            (p + q).backward(retain_graph=True)
            (r * 5.0).backward(retain_graph=True)
        (p + q).backward()
        assert seen == [1.0, 5.0]

    def test_wrong_mode(self):
        p, _, _ = self.tensors()
        with raises(ValueError, "Expects mode to be one of ('all', 'any') but got some"):
            graph.register_multi_grad_hook([p], print, mode="some")

    def test_nested_backward_is_another_one(self):
        p, q, r = self.tensors()
        seen = []

        def again(gs):
            seen.append([g and g.item() for g in gs])
            if len(seen) == 1:
                r.backward(retain_graph=True)

        graph.register_multi_grad_hook((p, q), again)
        (p + q).backward(retain_graph=True)
        assert seen == [[1.0, 1.0], [8.0, None]]

    def test_in_threads(self):
        """Backward in several threads over shared leaves: each has its own call, and no gradient is lost."""
        x = ac.tensor(2.0, requires_grad=True)
        seen = []

        def work():
            for _ in range(50):
                p, q = x * 2.0, x * 3.0
                graph.register_multi_grad_hook((p, q), lambda gs: seen.append([g.item() for g in gs]))
                (p + q).backward()

        threads = [threading.Thread(target=work) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert seen == [[1.0, 1.0]] * 200
        assert x.grad.item() == 5.0 * 200

"""Anomaly mode; also run on PyTorch, which warns where autograd_c adds a note to the exception."""

import traceback
import warnings

import pytest
from module import IS_TORCH, ac
from support import leaf, raises

autograd = ac.autograd


@pytest.fixture(autouse=True)
def off_again():
    yield
    assert not ac.is_anomaly_enabled()
    autograd.set_detect_anomaly(False)


def a_product_that_makes_a_nan(x):
    return x * 0.0


def backward_that_fails(y):
    """The exception, and all that was said with it: its notes, or PyTorch's warnings."""
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        with pytest.raises(RuntimeError) as caught:
            y.backward()
    said = [str(w.message) for w in warned] + getattr(caught.value, "__notes__", [])
    return str(caught.value), "\n".join(said)


class TestNans:
    def test_name_the_operation_and_where_it_was_recorded(self):
        x = ac.tensor(0.0, requires_grad=True)
        with autograd.set_detect_anomaly(True):
            y = a_product_that_makes_a_nan(x).sqrt()
            message, said = backward_that_fails(y)
        assert message == "Function 'MulBackward0' returned nan values in its 0th output."
        assert "Error detected in MulBackward0. Traceback of forward call that caused the error:" in said
        assert "a_product_that_makes_a_nan" in said
        assert ac.is_grad_enabled()

    def test_operation_that_was_recorded_before(self):
        y = a_product_that_makes_a_nan(ac.tensor(0.0, requires_grad=True)).sqrt()
        with autograd.set_detect_anomaly(True):
            message, said = backward_that_fails(y)
        assert message == "Function 'MulBackward0' returned nan values in its 0th output."
        assert "Error detected in MulBackward0. No forward pass information available." in said

    def test_are_let_through_when_not_asked_for(self):
        x = ac.tensor(0.0, requires_grad=True)
        with autograd.set_detect_anomaly(True, check_nan=False):
            assert not ac.is_anomaly_check_nan_enabled()
            a_product_that_makes_a_nan(x).sqrt().backward()
        assert x.grad.item() != x.grad.item()

    def test_in_an_accumulated_sum_belong_to_who_made_them(self):
        """Without anomaly mode a node may add to a gradient that is there already."""
        x = ac.tensor(0.0, requires_grad=True)
        with autograd.set_detect_anomaly(True):
            y = x * 1.0
            z = a_product_that_makes_a_nan(y).sqrt() + y.sin()
            message, _ = backward_that_fails(z)
        assert message == "Function 'MulBackward0' returned nan values in its 0th output."

    def test_gradients_without_nans_are_as_ever(self):
        found = []
        for mode in (False, True):
            x = leaf()
            with autograd.set_detect_anomaly(mode):
                y = (x * 2.0).exp()
                (y * y + x).sum().backward()
            found.append(x.grad.tolist())
        assert found[0] == found[1]


class TestErrors:
    def test_of_a_custom_function(self):
        class Fails(autograd.Function):
            @staticmethod
            def forward(ctx, x):
                return x.clone()

            @staticmethod
            def backward(ctx, g):
                raise RuntimeError("my own")

        with autograd.set_detect_anomaly(True):
            y = Fails.apply(ac.tensor(1.0, requires_grad=True))
            message, said = backward_that_fails(y)
        assert message == "my own"
        assert "Error detected in FailsBackward. Traceback of forward call" in said
        assert "test_of_a_custom_function" in said

    @pytest.mark.skipif(IS_TORCH, reason="PyTorch only warns")
    def test_note_is_part_of_the_traceback(self):
        with autograd.set_detect_anomaly(True):
            y = a_product_that_makes_a_nan(ac.tensor(0.0, requires_grad=True)).sqrt()
            with raises(RuntimeError) as caught:
                y.backward()
        assert "a_product_that_makes_a_nan" in "".join(traceback.format_exception(caught.value))


class TestModes:
    def test_context_with_a_warning(self):
        with pytest.warns(UserWarning, match="Anomaly Detection has been enabled"):
            mode = autograd.detect_anomaly()
        with mode:
            assert ac.is_anomaly_enabled()
            assert ac.is_anomaly_check_nan_enabled()
        assert not ac.is_anomaly_enabled()

    def test_nested(self):
        with autograd.set_detect_anomaly(True):
            with autograd.set_detect_anomaly(False):
                assert not ac.is_anomaly_enabled()
            assert ac.is_anomaly_enabled()

    def test_as_a_function(self):
        autograd.set_detect_anomaly(True)
        assert ac.is_anomaly_enabled()
        autograd.set_detect_anomaly(False)

    def test_stack_is_in_the_metadata(self):
        with autograd.set_detect_anomaly(True):
            y = a_product_that_makes_a_nan(leaf())
        assert "a_product_that_makes_a_nan" in "".join(y.grad_fn.metadata["traceback_"])

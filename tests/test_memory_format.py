"""Memory formats: the strides that functions are asked for."""

import copy

import pytest
from module import ac
from support import raises


class TestMemoryFormat:
    IMAGES = (2, 3, 4, 5)

    def test_names(self):
        names = ("contiguous_format", "preserve_format", "channels_last", "channels_last_3d")
        formats = [getattr(ac, n) for n in names]
        assert [repr(f) for f in formats] == [f"torch.{n}" for n in names]
        assert len({*formats}) == 4
        assert {type(f) for f in formats} == {ac.memory_format}
        with raises(TypeError, "cannot create 'torch.memory_format' instances"):
            ac.memory_format()
        assert copy.deepcopy(ac.channels_last) is ac.channels_last

    @pytest.mark.parametrize(
        "make",
        [
            lambda x, f: x.clone(memory_format=f),
            lambda x, f: ac.clone(x, memory_format=f),
            lambda x, f: ac.zeros_like(x, memory_format=f),
            lambda x, f: ac.ones_like(x, memory_format=f),
            lambda x, f: ac.full_like(x, 2.0, memory_format=f),
            lambda x, f: ac.empty_like(x, memory_format=f),
            lambda x, f: x.to(ac.int64, memory_format=f),
            lambda x, f: x.to(ac.float64, copy=True, memory_format=f),
            lambda x, f: x.long(memory_format=f),
            lambda x, f: x.bool(memory_format=f),
        ],
    )
    def test_results(self, make):
        x = ac.ones(2, 3).t()
        assert make(x, ac.contiguous_format).stride() == (2, 1)
        assert make(x, ac.preserve_format).stride() == (1, 3)
        assert make(x, None).stride() == (1, 3)
        images = ac.ones(*self.IMAGES)
        assert make(images, ac.channels_last).stride() == (60, 1, 15, 3)
        assert make(ac.ones(2, 3, 4, 5, 6), ac.channels_last_3d).stride() == (360, 1, 90, 18, 3)
        with raises(RuntimeError, "required rank 4 tensor to use channels_last format"):
            make(x, ac.channels_last)
        with pytest.raises(TypeError):
            make(x, 3)

    def test_clone_keeps_values_and_history(self):
        a = ac.arange(120.0).view(self.IMAGES).requires_grad_()
        b = a.clone(memory_format=ac.channels_last)
        assert b.tolist() == a.tolist()
        assert type(b.grad_fn).__name__ == "CloneBackward0"
        w = ac.arange(1.0, 121.0).view(self.IMAGES)
        (gradient,) = ac.autograd.grad((b * w).sum(), a)
        assert gradient.tolist() == w.tolist()

    def test_contiguous(self):
        x, images = ac.ones(2, 3), ac.ones(*self.IMAGES)
        assert x.contiguous(memory_format=ac.contiguous_format) is x
        assert x.contiguous(memory_format=ac.preserve_format) is x
        last = images.contiguous(memory_format=ac.channels_last)
        assert last.stride() == (60, 1, 15, 3)
        assert last.contiguous(memory_format=ac.channels_last) is last
        assert last.contiguous().stride() == images.stride()
        with raises(RuntimeError, "preserve memory format is unsupported by the contiguous operator"):
            x.t().contiguous(memory_format=ac.preserve_format)
        with raises(TypeError, "contiguous(): argument 'memory_format' must be torch.memory_format, not int"):
            x.contiguous(memory_format=3)

    def test_is_contiguous(self):
        images = ac.ones(*self.IMAGES)
        last = images.clone(memory_format=ac.channels_last)
        for x in (images, last, ac.ones(2, 1, 4, 5), ac.ones(2, 3, 1, 1), ac.ones(2, 3), ac.ones(2, 3).t()):
            expected = {
                "contiguous_format": x is not last and x.stride() != (1, 3),
                "channels_last": x is last or x.shape in ((2, 1, 4, 5), (2, 3, 1, 1)),
            }
            for f, answer in expected.items():
                assert x.is_contiguous(memory_format=getattr(ac, f)) is answer
        with raises(TypeError, "is_contiguous(): argument 'memory_format' must be torch.memory_format, not NoneType"):
            images.is_contiguous(memory_format=None)

    def test_to(self):
        """Strides that are not in order of channels count as contiguous."""
        x, images = ac.ones(2, 3).t(), ac.ones(*self.IMAGES)
        assert x.to(ac.float64, memory_format=ac.contiguous_format) is x
        assert x.to(memory_format=ac.preserve_format) is x
        last = images.to(memory_format=ac.channels_last)
        assert last.stride() == (60, 1, 15, 3)
        assert last.to(memory_format=ac.channels_last) is last
        assert last.to(memory_format=ac.contiguous_format).stride() == images.stride()
        with raises(TypeError, "to() received an invalid combination of arguments - got (memory_format=int, )"):
            x.to(memory_format=3)

    def test_empty(self):
        assert ac.empty(*self.IMAGES, memory_format=ac.channels_last).stride() == (60, 1, 15, 3)
        assert ac.empty(2, 3, memory_format=ac.contiguous_format).stride() == (3, 1)
        with raises(RuntimeError, "unsupported memory format Preserve"):
            ac.empty(2, memory_format=ac.preserve_format)
        with raises(TypeError, "empty(): argument 'memory_format' must be torch.memory_format, not int"):
            ac.empty(2, memory_format=3)

    def test_resize(self):
        assert ac.ones(4).resize_(2, memory_format=ac.contiguous_format).shape == (2,)
        with raises(TypeError, "resize_(): argument 'memory_format' must be torch.memory_format, not int"):
            ac.ones(4).resize_(2, memory_format=3)

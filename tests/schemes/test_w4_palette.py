"""Palettes of 16 weights: Core ML only; every large kernel is an index into its own table."""

import numpy as np
import pytest

from edgetl.errors import ConversionError


def test_every_large_kernel_has_its_palette(make):
    import coremltools as ct

    made = make("coreml/w4_palette")
    assert "3 constexpr_lut_to_dense" in made.notes
    spec = ct.models.MLModel(str(made.path), skip_model_load=True).get_spec()
    function = spec.mlProgram.functions["main"]
    tables = [o for o in function.block_specializations[function.opset].operations if o.type == "constexpr_lut_to_dense"]
    assert [np.prod([d.constant.size for d in o.attributes["lut"].type.tensorType.dimensions]) for o in tables] == [16] * 3
    assert made.size < make("coreml/w8").size


def test_a_larger_palette_is_refused(make):
    from edgetl.converters import _mlpackage

    with pytest.raises(ConversionError, match="is not what w4_palette says: the palette of .* holds 64 values"):
        _mlpackage.audit_float(make("coreml/w6_palette").path, "w4_palette")

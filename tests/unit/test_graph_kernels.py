"""Our Triton kernels as a GPU's machine code, which takes no GPU: that of an H100."""

import json
import os
import subprocess
import sys

import pytest

pytest.importorskip("triton", reason="needs Triton, as torch for GPUs brings it")

COMPILED = """
import json
import triton
from triton.backends.compiler import GPUTarget
from triton.compiler import ASTSource
from deepres.accel.device import kernels

FP32, BF16 = "*fp32", "*bf16"
SIZES = {"rows": "i32", "channels": "i32", "eps": "fp32"}
LOW = ("x", "y", "g", "add", "of_x", "of_add")  # as the step has them

def parts(fn, given):
    fixed = {name: value for name, value in given.items() if name in fn.arg_names}
    kinds = {
        name: SIZES.get(name) or (BF16 if name in LOW else FP32)
        for name in fn.arg_names if name not in fixed
    }
    told = ASTSource(fn, {**kinds, **dict.fromkeys(fixed, "constexpr")}, fixed)
    made = triton.compile(told, GPUTarget("cuda", 90, 32), {"num_warps": kernels.WARPS})
    return {"code": len(made.asm["cubin"]), "ptx": made.asm["ptx"], "shared": made.metadata.shared}

shape = {"ROWS": 512, "C": 16, "TILES": 2, "PIECES": 64, "MANY": 64, "REPLICAS": 2, "ADDS": True}
names = ("_moments", "_apply", "_sums", "_back")
print(json.dumps({name: parts(getattr(kernels, name), shape) for name in names}))
"""


@pytest.fixture(scope="module")
def made() -> dict[str, dict[str, object]]:
    environment = {k: v for k, v in os.environ.items() if k != "TRITON_INTERPRET"}
    done = subprocess.run(
        [sys.executable, "-c", COMPILED], capture_output=True, text=True, env=environment
    )
    assert done.returncode == 0, done.stderr
    told: dict[str, dict[str, object]] = json.loads(done.stdout)
    return told


def test_every_kernel_becomes_machine_code(made: dict[str, dict[str, object]]) -> None:
    assert len(made) == 4
    for name, parts in made.items():
        assert parts["code"] > 1_000, name  # type: ignore[operator]
        assert parts["shared"] <= 48 << 10, name  # type: ignore[operator]


def test_relu_passes_on_what_is_no_number(made: dict[str, dict[str, object]]) -> None:
    """A GPU's maximum of zero and NaN is zero: the interpreter, NumPy's, would not show it."""
    assert "max" not in str(made["_apply"]["ptx"])

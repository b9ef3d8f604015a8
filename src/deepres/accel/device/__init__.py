"""Training that stays on a device: pictures, draws, steps and counts; the processor is its twin.

Nothing here has run on a GPU yet. What runs there is the code that the tests run on the processor,
captured as one launch; the kernels of `kernels.py` have run in Triton's interpreter only.
"""

"""What other programs keep beside batch normalisation, moved into its statistics without loss."""

import math

from torch import Tensor

from ..errors import UserError

OUR_EPS = 1e-5  # of every batch normalisation of ours


def folded(
    where: str, mean: Tensor, variance: Tensor, bias: Tensor | None, eps: float
) -> tuple[Tensor, Tensor]:
    """Statistics that do with our eps what these do with theirs behind a biased convolution.

    (x + bias - mean) / sqrt(variance + eps): the bias is subtracted from the mean, the difference
    of the two eps added to the variance.
    """
    mean, variance = mean.double().flatten(), variance.double().flatten()
    if bias is not None:
        if bias.numel() != len(mean):
            raise UserError(
                f"{where}: {bias.numel()} biases stand before a normalisation of {len(mean)}"
                " channels."
            )
        mean = mean - bias.double().flatten()
    if not math.isclose(eps, OUR_EPS, rel_tol=1e-6):  # float32's 1e-5 is 1e-5
        variance = variance + (eps - OUR_EPS)
    return mean.float(), variance.float()

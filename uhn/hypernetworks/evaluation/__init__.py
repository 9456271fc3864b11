"""The function that `UHN.reference` states, computed faster.

Read in this order:

- ``engine``: what is kept about a target, and the way from a target to its scalars;
- ``queries``: the scalars that are asked for, cut into groups that fit the memory budget;
- ``network``: what stands behind the encodings; the choice between plain modules and ``fused_trunk``;
- ``plan``: how the first layer of each component is evaluated. Pure functions decide (``policy``, ``gridding_costs``),
  ``shared`` holds the tables that all targets of a generator have in common, ``stack`` puts the rows together;
- ``operator``, ``dense``, ``separable``, ``structured``: the encoding and the first layer as one linear operator on the
  layer's weight. Over the grid of a component the ``phases`` are affine in the integer coordinates, so ``features @ W``
  is a non-uniform Fourier transform of the columns of W and needs no N x 2F feature matrix (``gridding``).

Method and error bounds: docs/first_layer.md.
"""

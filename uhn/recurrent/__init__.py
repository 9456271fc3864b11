"""Dynamic hypernetworks: HyperLSTM and its controls (Ha, Dai, Le: HyperNetworks, ICLR 2017, arXiv 1609.09106).

`config` and `sizes` need no torch. `lstm` and `hyperlstm` are the cells, `model` stacks them over a sequence, and
`evaluation` and `analysis` ask how well a trained model predicts and what its generated scales do.
"""

"""Turning a configured run into trained weights: phases of optimiser steps, evaluation, exact resume."""

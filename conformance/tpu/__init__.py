"""The Flax classes compiled for TPUs that are not there: compiled, not run.

`libtpu` compiles ahead of time for a topology that it is told of. What it compiled says
how it multiplies and how much memory it takes; what it computes, only a TPU can say.
"""

"""Settings for every test, made before any library is imported."""

import os

# TensorFlow stays off the GPU and says nothing; JAX runs on the CPU unless told.
os.environ["CUDA_VISIBLE_DEVICES"] = os.environ.get("SONNAX_TEST_GPUS", "")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "0")
os.environ.setdefault("JAX_PLATFORMS", "cpu")

"""A library that is built against the installed autograd_c: what its Cython interface is for."""

from Cython.Build import cythonize
from setuptools import Extension, setup

setup(name="downstream", version="0", ext_modules=cythonize([Extension("downstream", ["downstream.pyx"])]))

"""Fixtures: `kernel`, a fresh one of each ipykernel; `shared_kernel`, one a module; `start_kernel`, to start more."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from .kernels import Kernel, installed


@pytest.fixture(params=installed())
def kernel_name(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture
def start_kernel() -> Iterator[Callable[..., Kernel]]:
    """start_kernel(name, **options) → Kernel; all are shut down at the end."""
    started: list[Kernel] = []

    def start(name: str = "installed", **options: Any) -> Kernel:
        started.append(Kernel(name, **options))
        return started[-1]

    yield start
    for kernel in started:
        kernel.close()


@pytest.fixture(params=installed(), scope="module")
def shared_kernel(request: pytest.FixtureRequest) -> Iterator[Kernel]:
    """One kernel of each ipykernel for all tests of a module, which leave each other's names alone."""
    kernel = Kernel(request.param)
    yield kernel
    kernel.close()


@pytest.fixture
def kernel(kernel_name: str, start_kernel: Callable[..., Kernel]) -> Kernel:
    return start_kernel(kernel_name)

"""Worlds for the contract tests. Deployed once; every test starts from the same state."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

import pytest

from ledger.statements import Authorisation, Statement
from tests.contracts.evm import RefusedError
from tests.contracts.world import World, deploy, settle

Refused = Callable[..., AbstractContextManager[None]]
Prepared = Callable[[Callable[[World], None]], World]


@pytest.fixture(scope="session")
def empty_base() -> tuple[World, Any]:
    world = deploy()
    return world, world.evm.snapshot()


@pytest.fixture(scope="session")
def settled_base() -> tuple[World, Any, int, int]:
    world = deploy()
    settle(world)
    return world, world.evm.snapshot(), len(world.statements), len(world.authorisations)


@pytest.fixture
def empty(empty_base: tuple[World, Any]) -> World:
    """A deployment in which nothing is recorded yet."""
    world, snapshot = empty_base
    world.evm.revert(snapshot)
    world.statements.clear()
    world.authorisations.clear()
    return world


@pytest.fixture
def world(settled_base: tuple[World, Any, int, int]) -> World:
    """The district with its departments and keys, and no entry yet."""
    ledger, snapshot, statements, authorisations = settled_base
    ledger.evm.revert(snapshot)
    del ledger.statements[statements:]
    del ledger.authorisations[authorisations:]
    return ledger


@pytest.fixture(scope="session")
def prepared(settled_base: tuple[World, Any, int, int]) -> Prepared:
    """``prepared(prepare)``: the settled district after ``prepare``, which is run once a session."""
    ledger, settled, statements, authorisations = settled_base
    kept: dict[Callable[[World], None], tuple[Any, list[Statement], list[Authorisation]]] = {}

    def after(prepare: Callable[[World], None]) -> World:
        if prepare not in kept:
            ledger.evm.revert(settled)
            del ledger.statements[statements:]
            del ledger.authorisations[authorisations:]
            prepare(ledger)
            said = list(ledger.statements), list(ledger.authorisations)
            kept[prepare] = (ledger.evm.snapshot(), *said)
        snapshot, ledger.statements[:], ledger.authorisations[:] = kept[prepare]
        ledger.evm.revert(snapshot)
        return ledger

    return after


@pytest.fixture
def refused() -> Refused:
    """``with refused("NotOwner", subject, organisation):`` — this error with these arguments."""

    @contextmanager
    def expect(name: str, *arguments: Any) -> Iterator[None]:
        with pytest.raises(RefusedError) as caught:
            yield
        wanted = tuple(value.lower() if isinstance(value, str) else value for value in arguments)
        assert (caught.value.name, caught.value.arguments) == (name, wanted)

    return expect

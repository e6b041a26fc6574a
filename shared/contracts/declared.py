"""All that the services declare: operations and events are known once their modules are imported."""

from importlib import import_module
from pkgutil import iter_modules

import shared.contracts


def import_contracts() -> None:
    """A package is a service's."""
    for package in iter_modules(shared.contracts.__path__, "shared.contracts."):
        if package.ispkg:
            for module in iter_modules(import_module(package.name).__path__, f"{package.name}."):
                import_module(module.name)

"""From overrides to plain arguments: Hydra composition behind our allow-list. The only file that sees a DictConfig."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from hydra import compose as hydra_compose
from hydra import initialize_config_module
from hydra.errors import HydraException, MissingConfigException
from omegaconf import OmegaConf
from omegaconf.errors import MissingMandatoryValue, OmegaConfBaseException
from omegaconf.resolvers.oc import env

from foresight.cli.allowed import check_targets
from foresight.cli.choices import TREE, choices
from foresight.cli.construct import construct
from foresight.cli.sizes import fill_sizes
from foresight.cli.typed import check_values

SHARED = frozenset({"paths", "name", "seed", "vlm", "ltx", "pairing", "adapter"})
"""Entries that other entries refer to, or that are used before a command starts; a command need not take them."""


class ConfigError(ValueError):
    """The overrides do not make a configuration."""


TEXT = frozenset({"video", "instruction", "prompt", "negative_prompt", "goal", "run", "source", "to", "page"})
"""Entries that hold free text, which may contain what means something in Hydra's grammar."""


def _fast_precision(accelerator: str) -> str:
    """Torch is imported only by the configurations that ask for it."""
    from foresight.training.precision import fast_precision

    return fast_precision(accelerator)


OmegaConf.register_new_resolver("fast_precision", _fast_precision, replace=True)


def resolve(command: str, overrides: Sequence[str], packages: Collection[str] = ()) -> dict[str, Any]:
    """The configuration of a command as plain values, every interpolation resolved, nothing constructed.

    Args:
        command: its name.
        overrides: as Hydra writes them.
        packages: of the user's own, which its targets may lie in.

    Raises:
        ConfigError: if an override is malformed, names what is not there, or leaves a required value open.
        ForbiddenTargetError: if the configuration would construct what it may not.
    """
    try:
        with initialize_config_module(TREE, version_base="1.3"):
            composed = hydra_compose(
                config_name=command.replace("-", "_"), overrides=[_quoted(text) for text in overrides]
            )
        with _environment_unread():
            fill_sizes(composed)
            config = OmegaConf.to_container(composed, resolve=True, throw_on_missing=True)
    except MissingMandatoryValue as error:
        key = error.full_key or "a value"
        raise ConfigError(f"expected a value for {key}, got none; add {key}=… to the command") from error
    except MissingConfigException as error:
        group, _, name = (error.missing_cfg_file or "").partition("/")
        if not choices(group):
            raise ConfigError(str(error)) from error
        raise ConfigError(f"expected {group}= one of {', '.join(choices(group))}; got {name!r}") from error
    except (HydraException, OmegaConfBaseException) as error:
        # A resolver's own words say it better than OmegaConf's wrapping of them.
        raise ConfigError(str(error.__cause__ if isinstance(error.__cause__, ConfigError) else error)) from error
    assert isinstance(config, dict)
    check_targets(config, packages=packages)
    # An empty choice of a group, such as verifier=none, is nothing.
    return {str(key): None if value == {} else value for key, value in config.items()}


@contextmanager
def _environment_unread() -> Iterator[None]:
    """No `${oc.env:…}` is answered: configurations are recorded and passed on, and the environment holds secrets."""
    OmegaConf.register_new_resolver("oc.env", _refuse_environment, replace=True)
    try:
        yield
    finally:
        OmegaConf.register_new_resolver("oc.env", env, replace=True)


def _refuse_environment(*words: str) -> str:
    raise ConfigError(
        f"expected values in a configuration, got one from the environment (oc.env:{words[0] if words else ''}), which "
        "is not read; write the value on the command line, where the shell can put it in"
    )


def _quoted(override: str) -> str:
    """Free text as Hydra's quoted string, so that commas and brackets in a sentence or a path stay what they are."""
    key, equals, value = override.partition("=")
    if key not in TEXT or not equals or value in ("", "null", "???") or value[0] in "'\"":
        return override
    # A backslash is special only before a quote and at the end.
    text = re.sub(r"(\\*)('|$)", lambda m: 2 * m[1] + ("\\'" if m[2] else ""), value)
    return f"{key}='{text}'"


def build(function: Callable[..., Any], config: dict[str, Any], packages: Collection[str] = ()) -> dict[str, Any]:
    """The arguments of a command's function, constructed from a resolved configuration.

    An argument called `config` receives the configuration itself, so that a run can record it; one called `packages`
    what the user has let in.

    Raises:
        ConfigError: if the configuration has entries that the function does not take.
        UserError: if a plain value is of another type than the function, or a part of it, takes.
        Exception: what a constructor raised.
    """
    parameters = inspect.signature(function).parameters
    unknown = config.keys() - parameters.keys() - SHARED
    given = {"config": config, "packages": packages}
    unknown |= given.keys() & config.keys()
    if unknown:
        raise ConfigError(f"expected entries out of {', '.join(parameters)}; got {', '.join(sorted(unknown))} too")
    wanted = {key: value for key, value in config.items() if key in parameters}
    check_targets(wanted, packages=packages)
    check_values(function, wanted)
    arguments = {key: construct(value, key, packages=packages) for key, value in wanted.items()}
    return arguments | {key: value for key, value in given.items() if key in parameters}


def instantiate_plain(config: dict[str, Any]) -> Any:
    """Construct what one plain configuration node describes, behind the same allow-list."""
    check_targets(config)
    return construct(config, "")

"""Hydra's tree of configuration files: which are chosen, what they hold together, and its complaints in one line."""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from difflib import get_close_matches
from importlib.resources import files
from pathlib import Path
from typing import Any

import yaml
from hydra import compose as hydra_compose
from hydra import initialize_config_dir, initialize_config_module
from hydra.core.global_hydra import GlobalHydra
from hydra.errors import ConfigCompositionException, HydraException
from hydra.types import RunMode
from omegaconf import OmegaConf
from omegaconf.errors import InterpolationToMissingValueError, MissingMandatoryValue, OmegaConfBaseException

from foresight.cli.choices import TREE, choices
from foresight.cli.sources import Sources
from foresight.cli.words import Word
from foresight.errors import one_line

RECIPE = "experiment"
"""The group whose choices set entries of other groups."""


class ConfigError(ValueError):
    """The words do not make a configuration."""


@contextmanager
def tree(name: str, folders: Sequence[Path]) -> Iterator[list[str]]:
    """Hydra, ready to compose the file `name`; yields the words that let it find the user's own folders.

    A study's file lies in one of the folders; the choices that it makes are those of the product.
    """
    opened: AbstractContextManager[Any]
    if (files(TREE) / f"{name}.yaml").is_file():
        opened, more = initialize_config_module(TREE, version_base="1.3"), [f"file://{folder}" for folder in folders]
    else:
        own = next(folder for folder in folders if (folder / f"{name}.yaml").is_file())
        opened, more = initialize_config_dir(str(own), version_base="1.3"), [f"pkg://{TREE}"]
    with opened, warnings.catch_warnings():
        # An option that is composed alone, like any with defaults, ought to say where it stands among them.
        warnings.filterwarnings("ignore", message="[\\s\\S]*Defaults list is missing `_self_`")
        yield [f"hydra.searchpath=[{','.join(_quoted(place) for place in more)}]"] if more else []


def composed_files(name: str, words: Sequence[str]) -> dict[str, Any]:
    """Values of a configuration file and of all that it and the words choose, interpolations not yet resolved."""
    plain = OmegaConf.to_container(hydra_compose(name, list(words)), resolve=False)
    assert isinstance(plain, dict)
    return {str(key): value for key, value in plain.items()}


def chosen_files(name: str, words: Sequence[str]) -> list[tuple[str, str]]:
    """Names of those files, in the order in which later ones hold over earlier ones, each with the entry it fills."""
    loader = GlobalHydra.instance().config_loader()
    found = loader.compute_defaults_list(name, list(words), RunMode.RUN).defaults
    return [(str(one.config_path), str(one.package or "")) for one in found if not _of_hydra(str(one.package or ""))]


def _of_hydra(package: str) -> bool:
    return package.split(".")[0] == "hydra"


def choice(word: Word, folders: Sequence[Path]) -> str:
    """A choice in Hydra's grammar.

    Raises:
        ConfigError: if the group has no such choice.
    """
    place = word.key if word.package is None else f"{word.key}@{word.package}"
    offered = choices(word.key, folders)
    if word.value == "null" and "none" in offered:
        word = replace(word, value="none")
    if word.value == "null":
        return f"~{place}"  # Hydra has no other way of saying it
    if word.value is None:
        return f"{word.sign}{place}"
    if word.value not in offered:
        near = get_close_matches(word.value, offered, n=1)
        raise ConfigError(
            f"expected {place}= one of {', '.join(offered)}; got {word.value!r}"
            + (f"; did you mean {near[0]}?" if near else "")
        )
    return f"{'+' if word.sign == '++' else word.sign}{place}={_quoted(word.value)}"


def choose_again(
    config: dict[str, Any], chosen: Sequence[Word], search: Sequence[str], sources: Sources | None = None
) -> None:
    """Merge what was chosen on the command line over what the recipe says of it: outer entries first."""
    options = [word for word in chosen if word.key != RECIPE and word.sign != "~" and word.value not in (None, "null")]
    for word in sorted(options, key=lambda word: (word.package or word.key).count(".")):
        option = composed_files(f"{word.key}/{word.value}", search)
        if word.package is not None:
            for part in word.key.split("/"):
                option = option[part]
            for part in reversed(word.package.split(".")):
                option = {part: option}
        _merge(config, option)
        if sources is not None:
            sources.note((), option, f"{word.key}/{word.value}.yaml")


def _merge(config: dict[str, Any], over: Mapping[str, Any]) -> None:
    for key, value in over.items():
        before = config.get(key)
        if isinstance(value, Mapping) and isinstance(before, dict):
            _merge(before, value)
        else:
            config[key] = value


def _quoted(text: str) -> str:
    """Hydra's quoted string; a backslash is special only before a quote and at the end."""
    return "'" + re.sub(r"(\\*)('|$)", lambda m: 2 * m[1] + ("\\'" if m[2] else ""), text) + "'"


@contextmanager
def told() -> Iterator[None]:
    """Hydra's and OmegaConf's complaints as one line."""
    try:
        yield
    except (MissingMandatoryValue, InterpolationToMissingValueError) as error:
        # Of a reference, `full_key` is where it stands; what it refers to is in the words alone.
        refers = isinstance(error, InterpolationToMissingValueError)
        named = re.search(r"Missing mandatory value: ([\w.\[\]]+)", str(error)) if refers else None
        key = named[1] if named else error.full_key or "a value"
        raise ConfigError(f"expected a value for {key}, got none; add {key}=… to the command") from error
    except yaml.YAMLError as error:
        raise ConfigError(f"expected YAML in a configuration, got {one_line(error)}") from error
    except ConfigCompositionException as error:
        words = one_line(error)
        if (
            found := re.search(r"Could not (?:override|delete) '?([\w/@.]+)'?|([\w/@.]+) appears more than once", words)
        ) is None:
            raise ConfigError(words) from error
        raise ConfigError(
            f"expected {found[1]}= to be a choice that this command makes, got none of that name; `--help` shows them"
            if found[1]
            else f"expected {found[2]}= once, got it twice; it is there already, so write it without +"
        ) from error
    except (HydraException, OmegaConfBaseException) as error:
        # A resolver's own words say it better than OmegaConf's wrapping of them.
        raise ConfigError(one_line(error.__cause__ if isinstance(error.__cause__, ConfigError) else error)) from error

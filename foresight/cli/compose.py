"""From what was typed to plain arguments: Hydra chooses the files. No other but `sizes` sees a DictConfig."""

from __future__ import annotations

import inspect
import re
import warnings
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from difflib import get_close_matches
from importlib import import_module
from pathlib import Path
from typing import Any

import yaml
from hydra import compose as hydra_compose
from hydra import initialize_config_module
from hydra.errors import ConfigCompositionException, HydraException
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import InterpolationToMissingValueError, MissingMandatoryValue, OmegaConfBaseException
from omegaconf.resolvers.oc import env

from foresight.cli.allowed import check_target, check_targets, locate
from foresight.cli.choices import PLACES, TREE, choices, groups, root
from foresight.cli.command_words import CommandWords
from foresight.cli.construct import construct
from foresight.cli.entries import Entries
from foresight.cli.habits import refuse_habits
from foresight.cli.sizes import fill_sizes
from foresight.cli.typed import check_values, with_homes
from foresight.cli.words import Word
from foresight.declared_types import fits
from foresight.errors import UserError, one_line
from ltx.home import at_home

SHARED = frozenset({"paths", "name", "seed", "vlm", "ltx", "pairing", "adapter", "clips"})
"""Entries that other entries refer to, or that are used before a command starts; a command need not take them."""

RECIPE = "experiment"
"""The group whose choices set entries of other groups."""

_TYPED = re.compile(r"\$\{typed:x([0-9a-f]*)\}")


class ConfigError(ValueError):
    """The words do not make a configuration."""


def resolve(
    command: str, words: Sequence[str], packages: Collection[str] = (), folders: Sequence[Path] = ()
) -> dict[str, Any]:
    """The configuration of a command as plain values, every interpolation resolved, nothing constructed.

    Args:
        command: its name.
        words: as typed: choices of groups, and values of entries.
        packages: of the user's own, which its targets may lie in.
        folders: of configurations of the user's own.

    Raises:
        ConfigError: if the configuration is malformed, or leaves a required value open.
        UserError: if a word names what is not there, or gives what it does not take.
        ForbiddenTargetError: if the configuration would construct what it may not.
    """
    with _told(), _environment_unread():
        config = OmegaConf.create(composed(command, words, packages, folders))
        fill_sizes(config)
        plain = OmegaConf.to_container(config, resolve=True, throw_on_missing=True)
    assert isinstance(plain, dict)
    check_targets(plain, packages=packages)
    # An empty choice of a group, such as verifier=none, is nothing.
    return {str(key): None if value == {} else value for key, value in plain.items()}


def composed(
    command: str, words: Sequence[str], packages: Collection[str] = (), folders: Sequence[Path] = ()
) -> dict[str, Any]:
    """The same before interpolations are resolved; what was typed holds none, see `protected`.

    Raises:
        ConfigError: if the configuration is malformed.
        UserError: if a word names what is not there, or gives what it does not take.
        ForbiddenTargetError: if a word sets entries of what may not be constructed.
    """
    typed = [part for word in words for part in _placed(Word.of(word), folders)]
    for word in typed:
        refuse_habits(word.key)
    # What a command itself has an entry for is no choice there: the adapter that `assemble` takes is a folder.
    known = set(groups(folders)) - set(yaml.safe_load(root(command)))
    chosen = [word for word in typed if _chooses(word, known)]
    with _told(), _tree(folders) as search:
        config = _plain(
            hydra_compose(command.replace("-", "_"), [*search, *(_choice(word, folders) for word in chosen)])
        )
        if any(word.key == RECIPE for word in chosen):
            _choose_again(config, chosen, search)

    def located(target: str) -> Callable[..., Any]:
        check_target(target, "the command line", packages=packages)
        found: Callable[..., Any] = locate(target, packages)
        return found

    values = [word for word in typed if not _chooses(word, known)]
    names = {word.path[0] for word in values if word.path}
    # Importing a command takes seconds: a name that is not there is told before.
    function = command_function(command) if names and names <= config.keys() else None
    types = CommandWords(function, config).types if function else dict.fromkeys(config, Any)
    entries = Entries(config, types, located, protected, (RECIPE,))
    for word in values:
        entries.apply(word)
    return config


def command_function(command: str) -> Callable[..., Any] | None:
    """What a command runs; None for a configuration that no command has."""
    name = command.replace("-", "_")
    try:
        function: Callable[..., Any] = getattr(import_module(f"foresight.cli.{name}"), name)
    except ModuleNotFoundError as error:
        if error.name != f"foresight.cli.{name}":
            raise
        return None
    return function


def shown(config: Mapping[str, Any], package: str = "") -> str:
    """A configuration, or one entry of it, for people to read: YAML.

    Raises:
        UserError: if it has no such entry.
    """
    node: Any = config
    for part in filter(None, package.split(".")):
        if not isinstance(node, Mapping) or part not in node:
            raise UserError(expected="--package the name of an entry", got=package, remedy="look at `--cfg job` whole")
        node = node[part]
    text = yaml.safe_dump(node, sort_keys=False, allow_unicode=True)
    return _TYPED.sub(lambda found: bytes.fromhex(found[1]).decode("utf-8", "surrogatepass"), text)


def build(
    function: Callable[..., Any],
    config: dict[str, Any],
    packages: Collection[str] = (),
    early: Callable[..., None] | None = None,
) -> dict[str, Any]:
    """The arguments of a command's function, constructed from a resolved configuration.

    An argument called `config` receives the configuration itself, so that a run can record it; one called `packages`
    what the user has let in. `early` is called with the arguments that it names before any other is constructed.

    Raises:
        ConfigError: if the configuration has entries that the function does not take, or lacks one.
        UserError: if a plain value is of another type than the function, or a part of it, takes.
        Exception: what a constructor raised.
    """
    words = CommandWords(function, config)
    given = {"config": config, "packages": packages}
    unknown = (config.keys() - set(words.names) - SHARED) | (given.keys() & config.keys())
    if unknown:
        raise ConfigError(f"expected entries out of {', '.join(words.names)}; got {', '.join(sorted(unknown))} too")
    wanted = {key: value for key, value in config.items() if key in words.names}
    for key in set(words.names) - wanted.keys() - given.keys() - words.optional:
        if key not in words.types or not fits(None, words.types[key]):
            raise ConfigError(f"expected a value for {key}, got none; add {key}=… to the command")
        wanted[key] = None
    wanted = _checked(words, wanted, packages)
    first = [] if early is None else list(inspect.signature(early).parameters)
    arguments = {key: construct(wanted[key], key, packages=packages) for key in first}
    if early is not None:
        early(**arguments)
    arguments |= {
        key: construct(value, key, packages=packages) for key, value in wanted.items() if key not in arguments
    }
    return words.arguments(arguments | {key: value for key, value in given.items() if key in words.names})


def build_some(
    function: Callable[..., Any], config: Mapping[str, Any], packages: Collection[str] = ()
) -> dict[str, Any]:
    """Some of a command's words, constructed from their configuration; raises as `build` does."""
    checked = _checked(CommandWords(function, config), config, packages)
    return {key: construct(value, key, packages=packages) for key, value in checked.items()}


def _checked(words: CommandWords, values: Mapping[str, Any], packages: Collection[str]) -> dict[str, Any]:
    check_targets(values, packages=packages)
    checked = dict(values)
    for owner, own in words.by_owner(values):
        check_values(owner, own)
        checked |= with_homes(owner, own)
    return checked


def instantiate_plain(config: dict[str, Any]) -> Any:
    """Construct what one plain configuration node describes, behind the same allow-list."""
    check_targets(config)
    return construct(config, "")


def protected(text: str) -> str:
    """A text that means itself in a configuration: nothing in it is interpolated or taken for a missing value."""
    if "${" not in text and text != "???":
        return text
    return "${typed:x" + text.encode("utf-8", "surrogatepass").hex() + "}"


def _typed(text: str) -> str:
    return bytes.fromhex(text[1:]).decode("utf-8", "surrogatepass")


def _fast_precision(accelerator: str) -> str:
    """Torch is imported only by the configurations that ask for it."""
    from foresight.training.precision import fast_precision

    return fast_precision(accelerator)


OmegaConf.register_new_resolver("fast_precision", _fast_precision, replace=True)
OmegaConf.register_new_resolver("typed", _typed, replace=True)


def _placed(word: Word, folders: Sequence[Path]) -> list[Word]:
    """A path or a hub id where a group's choice is expected (`model=worlds/mine`), as the choice that takes a place."""
    value, choice = word.value or "", PLACES.get(word.key)
    if choice is None or value in choices(word.key, folders) or not ("/" in value or at_home(value).exists()):
        return [word]
    return [replace(word, value=choice), Word("", f"{word.key}.where", None, value)]


def _chooses(word: Word, known: Collection[str]) -> bool:
    """Whether a word is about the choice of a group, rather than about the value of an entry."""
    whole = "." not in word.key and (word.package is not None or word.key.split("/")[0] in known)
    return whole and (word.value or "").lstrip()[:1] != "{"


def _choice(word: Word, folders: Sequence[Path]) -> str:
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


def _choose_again(config: dict[str, Any], chosen: Sequence[Word], search: Sequence[str]) -> None:
    """What was chosen on the command line holds over what the recipe says of it: outer entries first."""
    options = [word for word in chosen if word.key != RECIPE and word.sign != "~" and word.value not in (None, "null")]
    for word in sorted(options, key=lambda word: (word.package or word.key).count(".")):
        option = _plain(hydra_compose(f"{word.key}/{word.value}", list(search)))
        if word.package is not None:
            for part in word.key.split("/"):
                option = option[part]
            for part in reversed(word.package.split(".")):
                option = {part: option}
        _merge(config, option)


def _merge(config: dict[str, Any], over: Mapping[str, Any]) -> None:
    for key, value in over.items():
        before = config.get(key)
        if isinstance(value, Mapping) and isinstance(before, dict):
            _merge(before, value)
        else:
            config[key] = value


def _plain(config: DictConfig) -> dict[str, Any]:
    plain = OmegaConf.to_container(config, resolve=False)
    assert isinstance(plain, dict)
    return {str(key): value for key, value in plain.items()}


@contextmanager
def _tree(folders: Sequence[Path]) -> Iterator[list[str]]:
    """Hydra, ready to compose; yields the words that let it find the user's own folders."""
    with initialize_config_module(TREE, version_base="1.3"), warnings.catch_warnings():
        # An option that is composed alone, like any with defaults, ought to say where it stands among them.
        warnings.filterwarnings("ignore", message="[\\s\\S]*Defaults list is missing `_self_`")
        yield [f"hydra.searchpath=[{','.join(_quoted(f'file://{folder}') for folder in folders)}]"] if folders else []


def _quoted(text: str) -> str:
    """Hydra's quoted string; a backslash is special only before a quote and at the end."""
    return "'" + re.sub(r"(\\*)('|$)", lambda m: 2 * m[1] + ("\\'" if m[2] else ""), text) + "'"


@contextmanager
def _told() -> Iterator[None]:
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

"""From what was typed to plain arguments: Hydra chooses the files. No other but `sizes` sees a DictConfig."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import Any

import yaml
from omegaconf import OmegaConf
from omegaconf.resolvers.oc import env

from foresight.cli.allowed import check_target, check_targets, locate
from foresight.cli.choices import PLACES, choices, groups, root
from foresight.cli.command_words import CommandWords
from foresight.cli.construct import construct
from foresight.cli.entries import Entries
from foresight.cli.habits import refuse_habits
from foresight.cli.sizes import fill_sizes
from foresight.cli.sources import Sources
from foresight.cli.tree import RECIPE, ConfigError, choice, choose_again, chosen_files, composed_files, told, tree
from foresight.cli.typed import check_values, with_homes
from foresight.cli.words import Word
from foresight.declared_types import fits
from foresight.errors import UserError
from ltx.home import at_home

SHARED = frozenset({"paths", "name", "seed", "vlm", "ltx", "pairing", "adapter", "clips"})
"""Entries that other entries refer to, or that are used before a command starts; a command need not take them."""

_TYPED = re.compile(r"\$\{typed:x([0-9a-f]*)\}")


def resolve(
    command: str,
    words: Sequence[str],
    packages: Collection[str] = (),
    folders: Sequence[Path] = (),
    sources: Sources | None = None,
) -> dict[str, Any]:
    """The configuration of a command as plain values, every interpolation resolved, nothing constructed.

    Args:
        command: its name.
        words: as typed: choices of groups, and values of entries.
        packages: of the user's own, which its targets may lie in.
        folders: of configurations of the user's own.
        sources: learn where each value comes from; with them a required value may stay open.

    Raises:
        ConfigError: if the configuration is malformed, or leaves a required value open.
        UserError: if a word names what is not there, or gives what it does not take.
        ForbiddenTargetError: if the configuration would construct what it may not.
    """
    with told(), _environment_unread():
        config = OmegaConf.create(composed(command, words, packages, folders, sources))
        if sources is not None:
            sources.keep_references(OmegaConf.to_container(config, resolve=False))
        fill_sizes(config)
        plain = OmegaConf.to_container(config, resolve=True, throw_on_missing=sources is None)
    assert isinstance(plain, dict)
    check_targets(plain, packages=packages)
    # An empty choice of a group, such as verifier=none, is nothing.
    return {str(key): None if value == {} else value for key, value in plain.items()}


def composed(
    command: str,
    words: Sequence[str],
    packages: Collection[str] = (),
    folders: Sequence[Path] = (),
    sources: Sources | None = None,
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
    known = set(groups(folders)) - set(yaml.safe_load(root(command, folders)))
    chosen = [word for word in typed if _chooses(word, known)]
    name = command.replace("-", "_")
    with told(), tree(name, folders) as search:
        options = [*search, *(choice(word, folders) for word in chosen)]
        config = composed_files(name, options)
        if sources is not None:
            sources.read(chosen_files(name, options))
        if any(word.key == RECIPE for word in chosen):
            choose_again(config, chosen, search, sources)

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
        before = deepcopy(config) if sources is not None else {}
        entries.apply(word)
        if sources is not None:
            sources.note_changes(before, config, word)
    return config


def command_function(command: str) -> Callable[..., Any] | None:
    """Function of a command; None for a configuration that no command has."""
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
    """True if a word chooses in a group, rather than setting an entry."""
    whole = "." not in word.key and (word.package is not None or word.key.split("/")[0] in known)
    return whole and (word.value or "").lstrip()[:1] != "{"


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

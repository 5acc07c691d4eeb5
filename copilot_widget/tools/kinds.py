"""What an object is, by its type alone: nothing that its class, or its class's class, defines is called.

`isinstance`, `hasattr`, `value.name` and `type(value).__name__` may each run code: a `__class__` that is a property, a
`__getattr__`, a descriptor, a metaclass. What stands here reads the interpreter's own fields of a type and an object.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import (
    BuiltinFunctionType,
    ClassMethodDescriptorType,
    FunctionType,
    GetSetDescriptorType,
    MemberDescriptorType,
    MethodDescriptorType,
    MethodType,
    MethodWrapperType,
    WrapperDescriptorType,
)
from typing import Any, cast

MISSING: Any = object()
DICT: Any = dict
TUPLE: Any = tuple
"""The built-in types, for their own methods: a type checker need not know of what."""

_TYPE = cast("dict[str, Any]", type.__dict__)
_SLOTS = (MemberDescriptorType, GetSetDescriptorType)  # of a type made in C, or of __slots__: a plain read
FUNCTIONS = (FunctionType, BuiltinFunctionType, MethodType)
ROUTINES = (*FUNCTIONS, MethodDescriptorType, ClassMethodDescriptorType, MethodWrapperType, WrapperDescriptorType)


def class_of(value: Any) -> Any:
    """`type(value)`, of which a type checker need not know more."""
    return cast("Any", type(value))


def is_a(value: Any, *kinds: Any) -> bool:
    """`isinstance` by an object's real type, whatever its `__class__` says: no code of its class runs. To a type
    checker `value` is still of any type afterwards."""
    return issubclass(type(value), kinds)


def mro_of(kind: Any) -> tuple[Any, ...]:
    """A class and its bases, in the order in which attributes are looked up."""
    return _TYPE["__mro__"].__get__(kind)


def bases_of(kind: Any) -> list[Any]:
    """The classes that a class names as its bases, without object."""
    return [base for base in _TYPE["__bases__"].__get__(kind) if base is not object]


def dict_of(kind: Any) -> Mapping[str, Any]:
    """What a class itself defines."""
    return _TYPE["__dict__"].__get__(kind)


def class_name(kind: Any) -> str:
    return _text(_TYPE["__name__"].__get__(kind))


def qualified_name(kind: Any) -> str:
    """A class's name with those of what it is defined in, without its module."""
    return _text(_TYPE["__qualname__"].__get__(kind))


def module_of(kind: Any) -> str:
    """The module that a class says it is from, "" where that is no text."""
    return _text(_TYPE["__module__"].__get__(kind))


def library_of(value: Any) -> str:
    """The top-level package that a value's class comes from."""
    return module_of(type(value)).partition(".")[0]


def full_name(kind: Any) -> str:
    return f"{module_of(kind)}.{qualified_name(kind)}"


def type_name(value: Any) -> str:
    """The type's name, without its module."""
    return qualified_name(type(value))


def defined(kind: Any, name: str) -> Any:
    """What a class or one of its bases defines under a name, as it stands there; MISSING where none does."""
    for each in mro_of(kind):
        found = dict_of(each).get(name, MISSING)
        if found is not MISSING:
            return found
    return MISSING


def has(value: Any, *names: str) -> bool:
    """Whether a value's class, or one of its bases, defines one of the names."""
    return any(name in dict_of(kind) for kind in mro_of(type(value)) for name in names)


def own_attributes(value: Any) -> Mapping[str, Any]:
    """What an object holds in its __dict__; {} where its class makes one up."""
    found = defined(type(value), "__dict__")
    if not is_a(found, *_SLOTS):
        return {}
    held = found.__get__(value)
    if type(held) is dict:
        return cast("dict[str, Any]", held)
    return dict(DICT.items(held)) if is_a(held, dict) else {}


def static(value: Any, name: str) -> Any:
    """What stands behind an attribute of an object or a class, as it is stored, before any descriptor makes a value of
    it; MISSING where nothing does."""
    of_class = defined(type(value), name)
    if is_a(value, type):
        found = defined(value, name)
        return of_class if found is MISSING else found
    if of_class is not MISSING and has(of_class, "__set__", "__delete__"):
        return of_class
    return own_attributes(value).get(name, of_class)


def stored(value: Any, name: str) -> Any:
    """An attribute as it is stored in an object or a slot of it; MISSING where it is not, or is computed."""
    found = own_attributes(value).get(name, MISSING)
    if found is not MISSING:
        return found
    found = defined(type(value), name)
    if not is_a(found, *_SLOTS):
        return MISSING
    try:
        return found.__get__(value)
    except AttributeError:  # a slot without a value
        return MISSING


def as_text(value: Any) -> str | None:
    """A str, also of a subclass, as one of the built-in type; None for anything else."""
    return str.__str__(value) if is_a(value, str) else None


def _text(found: Any) -> str:
    return as_text(found) or ""


__all__ = [
    "DICT",
    "FUNCTIONS",
    "MISSING",
    "ROUTINES",
    "TUPLE",
    "as_text",
    "bases_of",
    "class_name",
    "class_of",
    "defined",
    "dict_of",
    "full_name",
    "has",
    "is_a",
    "library_of",
    "module_of",
    "mro_of",
    "own_attributes",
    "qualified_name",
    "static",
    "stored",
    "type_name",
]

"""Errors of operating a home."""

from __future__ import annotations

from data_contracts.errors import BusinessError, InputError, OperatingError


class AlreadyKnown(BusinessError):
    """Something of that name is kept here with other values."""

    code = "already_known"


class OwnershipOverlaps(BusinessError):
    """A machine would have two owners at one time."""

    code = "ownership_overlaps"


class UnknownRevision(InputError):
    """The migrations have no such revision."""

    code = "unknown_revision"


class HomeUnusable(OperatingError):
    """The home's folder or database cannot be opened."""

    code = "home_unusable"


class ClusterUnreachable(OperatingError):
    """The cluster that was to work cannot be had."""

    code = "cluster_unreachable"


class AddressTaken(OperatingError):
    """The address to serve on cannot be had."""

    code = "address_taken"

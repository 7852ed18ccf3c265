"""Whether a MongoDB answers and may be written to. Nothing of its address is told: a password may be in any part of it."""

from pymongo import MongoClient
from pymongo.errors import (
    ConfigurationError,
    ConnectionFailure,
    InvalidURI,
    OperationFailure,
    PyMongoError,
    ServerSelectionTimeoutError,
)

OLDEST = (6, 0)
# Atlas lets in the addresses of a list, and Lambda has none of its own.
LIST = "docs/deploy.md, MongoDB (Atlas: 0.0.0.0/0 in the access list)"


def problems(uri, database):
    """A line for each, with the fix."""
    name = "MongoDB"
    try:
        client = MongoClient(uri, serverSelectionTimeoutMS=5000, connectTimeoutMS=5000, socketTimeoutMS=10000)
    except (InvalidURI, ConfigurationError, ValueError, TypeError):
        return [f"{name}'s address is malformed; fix: mongodb+srv://USER:PASSWORD@HOST/, special characters as %40"]
    except PyMongoError as error:
        return [f"{name}'s address is of no use ({type(error).__name__}); fix: {LIST}"]
    try:
        with client:
            version = client.server_info()["versionArray"][:2]
            if tuple(version) < OLDEST:
                found, wanted = (".".join(map(str, numbers)) for numbers in (version, OLDEST))
                return [f"{name} is {found}; fix: upgrade it to {wanted} or newer"]
            status = client[database].command({"connectionStatus": 1, "showPrivileges": True})["authInfo"]
            if status["authenticatedUsers"] and not _may_write(status, database):
                return [f"{name}'s user may not write to {database}; fix: give it readWrite on that database"]
    except ServerSelectionTimeoutError:
        return [f"{name} does not answer within 5 s; fix: {LIST}"]
    except OperationFailure:
        return [f"{name} does not accept the user or its password; fix: put the right ones into SSM"]
    except (ConnectionFailure, PyMongoError) as error:
        return [f"{name} does not answer ({type(error).__name__}); fix: {LIST}"]
    return []


def _may_write(status, database):
    for privilege in status["authenticatedUserPrivileges"]:
        resource = privilege["resource"]
        here = resource.get("anyResource") or (resource.get("db") in ("", database) and not resource.get("collection"))
        if here and {"insert", "update", "remove"} <= set(privilege["actions"]):
            return True
    return False

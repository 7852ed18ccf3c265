"""Whether a token may push to a repository: asked as git itself asks before a push, which changes nothing."""

import base64
import http.client
import re
import urllib.error
import urllib.parse
import urllib.request

SERVICE = "git-receive-pack"


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    """A login goes to the host that it is for, and to no other."""

    def redirect_request(self, *_):
        return None


def problems(url, token, timeout=15):
    """A line for each, with the fix."""
    if re.search(r"[\s?#]", url):
        return ["GitRepositoryUrl is no address of a repository; fix: https://HOST/OWNER/NAME.git"]
    try:
        parts = urllib.parse.urlsplit(url)
        parts.port
    except ValueError:
        return ["GitRepositoryUrl is no address of a repository; fix: https://HOST/OWNER/NAME.git"]
    if parts.scheme not in ("http", "https"):
        return []
    host = parts.hostname or "?"
    if parts.username or parts.password:
        return ["GitRepositoryUrl holds a login; fix: leave it out, and put the token into SSM (GitTokenParameter)"]
    if parts.scheme == "http" and token and host not in ("127.0.0.1", "localhost"):
        return [f"GitRepositoryUrl would send the token in the clear; fix: https://{host}…"]
    request = urllib.request.Request(f"{url.rstrip('/')}/info/refs?service={SERVICE}", headers={"User-Agent": "git/2"})
    if token:
        login = base64.b64encode(f"x-access-token:{token}".encode()).decode()
        request.add_unredirected_header("Authorization", f"Basic {login}")
    try:
        with urllib.request.build_opener(_NoRedirects).open(request, timeout=timeout) as answer:
            kind = answer.headers.get_content_type()
    except urllib.error.HTTPError as error:
        return [_refusal(error, host, token)]
    except (OSError, ValueError, http.client.HTTPException) as error:
        return [f"the git server {host} is not reached ({type(error).__name__}); fix: check GitRepositoryUrl"]
    if kind != f"application/x-{SERVICE}-advertisement":
        return [f"{host} answers, but not as a git server; fix: check GitRepositoryUrl"]
    return []


def _refusal(error, host, token):
    status = error.code
    if status in (301, 302, 303, 307, 308):
        target = urllib.parse.urlsplit(error.headers.get("Location") or "").hostname or "elsewhere"
        return f"the repository has moved from {host} to {target}; fix: GitRepositoryUrl with its new address"
    if status == 401 and not token:
        return f"{host} wants a token; fix: put one into SSM, GitTokenParameter=NAME"
    if status == 401:
        return f"{host} does not know the git token; fix: make a new one, docs/deploy.md, GitHub token"
    if status == 403:
        return f"{host} does not let the git token push; fix: give it Contents: read and write, docs/deploy.md, GitHub token"
    if status == 404:
        return f"{host} shows the git token no such repository; fix: check GitRepositoryUrl, and what the token is for"
    return f"{host} answers {status}; fix: check GitRepositoryUrl, or wait"

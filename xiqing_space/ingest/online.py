"""Watches over every answer that osmnx receives: status, size, time, number; what is wrong ends in one clear message.

osmnx itself tries again for ever when a server is busy, takes an answer with a `remark` for whole, and follows redirects. It
hands `settings.requests_kwargs` to requests, and requests calls a hook on every answer before osmnx sees it: that is the place.
"""

from __future__ import annotations

import datetime as dt
import json
import re
import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from xiqing_space.errors import InputDataError
from xiqing_space.sections import FetchConfig

if TYPE_CHECKING:
    import requests

Say = Callable[[str], None]
AGAIN = "稍后再运行 make data；已下载的部分会保留 / run make data again later; the parts that came are kept"
SMALLER = "在 [fetch] 中减小 max_query_km2 后再运行 / make max_query_km2 in [fetch] smaller and run again"
_BUSY = (429, 504)
_SLOT = re.compile(r"^Slot available after: (\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)Z", re.MULTILINE)
_MEGABYTE = 1_000_000


class FetchError(InputDataError):
    """Data could not be fetched; what an earlier fetch left is untouched."""


class OfflineError(FetchError):
    """The server could not be reached at all."""


class _Counted:
    """A response's body that is counted while it is read, so that an endless one ends."""

    def __init__(self, raw: Any, take: Callable[[int], None]) -> None:
        self._raw, self._take = raw, take

    def __getattr__(self, name: str) -> Any:
        return getattr(self._raw, name)

    def stream(self, amt: int, decode_content: bool | None = None) -> Iterator[bytes]:
        """The body, piece by piece, unpacked."""
        for piece in self._raw.stream(amt, decode_content=decode_content):
            self._take(len(piece))
            yield piece


class Watch:
    """Called by requests with every answer.

    Parameters
    ----------
    limits : FetchConfig
        How many requests, tries, megabytes and minutes a fetch may take.
    say : callable
        Gets a line for every answer and every pause.
    """

    def __init__(self, limits: FetchConfig, say: Say) -> None:
        self.limits, self.say = limits, say
        self.requests = self.answers = self.received = self._refused = 0
        self._ends = time.monotonic() + limits.max_minutes * 60.0

    def __call__(self, response: requests.Response, **_: Any) -> requests.Response:
        """Raise `FetchError` for anything but a whole answer or one that osmnx may ask for again."""
        host = urlsplit(str(response.url)).netloc.rsplit("@", 1)[-1]
        self.requests += 1
        if self.requests > self.limits.max_requests:
            raise FetchError(
                f"请求超过 {self.limits.max_requests} 次，已停止 / stopped after {self.limits.max_requests} requests",
                where=host,
                todo="缩小范围，或增大 [fetch] max_query_km2、max_requests / take a smaller area, or raise them in [fetch]",
            )
        self._check_time(host)
        response.raw = _Counted(response.raw, lambda size: self._take(size, host))
        if 300 <= response.status_code < 400:
            raise FetchError(
                f"服务器转向别处，未跟随 / the server sends elsewhere, not followed: {response.headers.get('Location', '')[:200]}",
                where=host,
                todo="如可信，请把该地址写入 [fetch] / if you trust that address, write it into [fetch]",
            )
        path = urlsplit(str(response.url)).path.rstrip("/")
        if path.endswith("/status"):
            self._check_slot(response, host)
        elif response.status_code in _BUSY:
            self._note_busy(response, host)
        else:
            self._check_answer(response, host)
        return response

    def _check_time(self, host: str) -> None:
        if time.monotonic() > self._ends:
            minutes = f"{self.limits.max_minutes:g}"
            raise FetchError(f"超过 {minutes} 分钟，已停止 / stopped after {minutes} minutes", where=host, todo=AGAIN)

    def _take(self, size: int, host: str) -> None:
        self.received += size
        if self.received > self.limits.max_mb * _MEGABYTE:
            limit = f"{self.limits.max_mb:g}"
            raise FetchError(
                f"数据超过 {limit} MB，已停止 / stopped: more than {limit} MB",
                where=host,
                todo="缩小范围，或增大 [fetch] max_mb / take a smaller area, or raise max_mb in [fetch]",
            )
        self._check_time(host)

    def _note_busy(self, response: requests.Response, host: str) -> None:
        self._refused += 1
        code, tries = response.status_code, self.limits.tries
        if self._refused >= tries:
            raise FetchError(
                f"服务器一直繁忙（HTTP {code}），已试 {tries} 次 / the server stays busy (HTTP {code}), tried {tries} times",
                where=host,
                todo=AGAIN,
            )
        self.say(
            f"  服务器繁忙（HTTP {code}），约一分钟后重试 / server busy, trying again in about a minute ({self._refused}/{tries})"
        )

    def _check_slot(self, response: requests.Response, host: str) -> None:
        """How long osmnx will pause; with a wrong clock that could be hours or days."""
        found = _SLOT.search(response.text[:5000])
        if found is None:
            return
        free = dt.datetime.fromisoformat(found[1]).replace(tzinfo=dt.UTC)
        pause = (free - dt.datetime.now(tz=dt.UTC)).total_seconds()
        if time.monotonic() + pause > self._ends:
            raise FetchError(
                f"服务器要求等待到 {found[1]}（UTC）/ the server says to wait until {found[1]} (UTC)",
                where=host,
                todo="检查本机时钟；" + AGAIN.replace(" / ", " / check this computer's clock; "),
            )
        if pause > 1:
            self.say(f"  排队等待 {pause:.0f} 秒 / waiting {pause:.0f} s for a free slot")

    def _check_answer(self, response: requests.Response, host: str) -> None:
        if not response.ok:
            raise FetchError(
                f"服务器拒绝请求 / the server refused: HTTP {response.status_code}",
                where=host,
                first=[_excerpt(response.text)],
                todo=AGAIN,
            )
        try:
            value = json.loads(response.content)
        except (ValueError, RecursionError) as error:
            page = "html" in response.headers.get("Content-Type", "").lower() or response.content.lstrip()[:1] == b"<"
            what = (
                "收到的是网页，不是数据 / a web page came instead of data" if page
                else "回答不完整 / the answer is truncated or no JSON"
            )  # fmt: skip
            raise FetchError(
                what, where=host, first=[_excerpt(response.text)] if page else [],
                todo=("检查 [fetch] 中的地址与网络登录页 / check the address in [fetch], and whether the network asks for a log-in; "
                      if page else "") + AGAIN,
            ) from error  # fmt: skip
        if urlsplit(str(response.url)).path.endswith(("/search", "/lookup")):
            _check_places(value, host)
        else:
            _check_whole(value, host)
        self._refused = 0
        self.answers += 1
        self.say(f"  收到 / received {len(response.content) / 1000:,.0f} kB ({host})")


def _check_places(value: Any, host: str) -> None:
    if not isinstance(value, list) or not all(isinstance(one, dict) and "importance" in one for one in value):
        raise _unusable(value, host)


def _unusable(value: Any, host: str) -> FetchError:
    return FetchError(
        "服务器的回答无法使用 / the server's answer cannot be used",
        where=host,
        first=[_excerpt(str(value)[:1000])],
        todo="检查 [fetch] 中的地址 / check the addresses in [fetch]",
    )


def _check_whole(value: Any, host: str) -> None:
    """An Overpass answer with a `remark` broke off: part of the elements is missing."""
    if not isinstance(value, dict):
        raise _unusable(value, host)
    if "remark" in value:
        raise FetchError(
            "服务器中途停止，数据不完整，未采用 / the server broke off: the data are incomplete and were not taken",
            where=host,
            first=[_excerpt(str(value["remark"]))],
            todo=SMALLER,
        )
    if not isinstance(value.get("elements"), list):
        raise _unusable(value, host)


def _excerpt(text: str) -> str:
    """A line of a text from outside, tags removed, short."""
    return " ".join(re.sub(r"<[^<>]*>", " ", text[:4000]).split())[:200]


def network_fault(error: Exception) -> FetchError:
    """What an exception of requests means to a planner."""
    import requests.exceptions as kinds

    asked = getattr(error, "request", None)
    host = "" if asked is None else urlsplit(str(asked.url)).netloc.rsplit("@", 1)[-1]
    if isinstance(error, kinds.ProxyError):
        return OfflineError(
            "代理服务器不可用 / the proxy does not answer", where=host,
            todo="检查环境变量 HTTP_PROXY、HTTPS_PROXY / check the environment variables HTTP_PROXY and HTTPS_PROXY",
        )  # fmt: skip
    if isinstance(error, kinds.SSLError):
        return FetchError(
            "无法建立安全连接 / no secure connection", where=host,
            todo="检查本机时钟与单位的证书设置（REQUESTS_CA_BUNDLE）/ check the clock and the certificate (REQUESTS_CA_BUNDLE)",
        )  # fmt: skip
    if isinstance(error, kinds.ConnectTimeout):
        return OfflineError(*_OFFLINE, where=host, todo=_HOW_OFFLINE)
    if isinstance(error, kinds.ReadTimeout) or "timed out" in str(error):
        return FetchError(
            "服务器超时未答 / the server did not answer in time", where=host,
            todo="增大 [fetch] timeout_s；" + AGAIN.replace(" / ", " / raise timeout_s in [fetch]; "),
        )  # fmt: skip
    if isinstance(error, (kinds.ChunkedEncodingError, kinds.ContentDecodingError)) or "Connection aborted" in str(
        error
    ):
        return FetchError("连接中断 / the connection broke off", where=host, todo=AGAIN)
    if isinstance(error, kinds.ConnectionError):
        return OfflineError(*_OFFLINE, where=host, todo=_HOW_OFFLINE)
    return FetchError(f"网络请求失败 / the request failed: {type(error).__name__}", where=host, todo=AGAIN)


_OFFLINE = ("无法连接服务器，可能未联网 / the server cannot be reached; perhaps this computer is offline",)
_HOW_OFFLINE = (
    "检查网络与代理（HTTP_PROXY、HTTPS_PROXY）；也可在别处下载 .osm.pbf，写入 [sources] osm / check the network and the proxy, "
    "or bring an .osm.pbf from elsewhere and name it in [sources] osm"
)

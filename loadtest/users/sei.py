"""Watches the video and reads the state out of it."""

from __future__ import annotations

import logging

from locust.exception import StopUser

from loadtest.scene import scene
from loadtest.staleness import Watch
from loadtest.users.entries import tell_age
from loadtest.users.reader import Reader
from loadtest.users.streams import open_stream
from sei.errors import BadFlv
from sei.flv.reader import FlvStateReader

log = logging.getLogger(__name__)

SILENCE_S = 15


class Viewer(Reader):
    """Plays the first room's stream over HTTP-FLV; state is repeated in it, and told once."""

    kind = "FLV"

    def on_start(self) -> None:
        """Ask where the stream is; a deployment without one has no viewers."""
        super().on_start()
        self.room = scene.rooms[0]
        self.watch = Watch(self.room, scene.clock, tell_age)
        self.url = self._locate()

    def live(self) -> None:
        """Read the stream until it ends."""
        reader = FlvStateReader(self.room)
        with open_stream(self.kind, self.url, {}, SILENCE_S) as chunks:
            for chunk in chunks:
                self.arrived()
                try:
                    sightings = reader.feed(chunk)
                except BadFlv as error:
                    raise ConnectionError(f"broken stream: {error.message}") from error
                for sighting in sightings:
                    self.watch.take("sei", sighting.body)

    def _locate(self) -> str:
        path = f"/v1/rooms/{self.room}/media"
        with self.client.get(path, name="media", catch_response=True) as response:
            if response.status_code == 404:
                response.success()
                streams = []
            else:
                streams = response.json()["streams"] if response.status_code == 200 else []
        for stream in streams:
            if stream["format"] == "flv":
                return str(stream["url"])
        log.warning("%s has no FLV stream: nobody watches", self.room)
        raise StopUser

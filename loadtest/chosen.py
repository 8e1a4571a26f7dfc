"""The shape that Locust runs: the one of ``--shape``."""

from __future__ import annotations

from locust import LoadTestShape, User

from loadtest.options import plan_of
from loadtest.shapes import SHAPES
from loadtest.tide import message
from loadtest.users.slow import SlowReader


class ChosenShape(LoadTestShape):
    """Asks the shape each second, and tells every worker what it says."""

    use_common_options = True

    def tick(self) -> tuple[int, float, list[type[User]]] | None:
        """Give users, spawn rate and kinds of users; None at the end."""
        environment = self.runner.environment
        options = environment.parsed_options
        shape = SHAPES[options.shape]
        stage = shape.at(self.get_run_time(), plan_of(options))
        if stage is None:
            return None
        self.runner.send_message("stage", message(stage))
        kinds = [
            kind
            for kind in environment.user_classes
            if shape.slow_readers or kind is not SlowReader
        ]
        return stage.users, stage.spawn_rate, kinds

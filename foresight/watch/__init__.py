"""Streams: predict ahead, score each prediction when its frames arrive, tell events from the ordinary."""

from foresight.video.stream import Arrival, arrivals
from foresight.watch.alarm import Alarm, fit_alarm
from foresight.watch.surprise import surprise
from foresight.watch.watcher import Moment, Watcher

__all__ = ["Alarm", "Arrival", "Moment", "Watcher", "arrivals", "fit_alarm", "surprise"]

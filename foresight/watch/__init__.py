"""Streams: predict ahead, score each prediction when its frames arrive, tell events from the ordinary."""

from foresight.video.arrival import StreamFrame
from foresight.video.stream import stream_frames
from foresight.watch.alarm import Alarm
from foresight.watch.surprise import surprise
from foresight.watch.watcher import Moment, Watcher

__all__ = ["Alarm", "Moment", "StreamFrame", "Watcher", "stream_frames", "surprise"]

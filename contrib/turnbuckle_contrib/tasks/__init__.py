"""Run functions after responses, and on schedules, in the processes of the app.

``tasks = TasksPlugin()`` is enabled with ``App(plugins=[tasks])``. ``@tasks.task`` declares a function that handlers
start with the parameter ``background: Background``; ``@tasks.every("5m")`` and ``@tasks.daily("03:00")`` declare
schedules. A ``TaskBackend`` passes them to a task queue such as Dramatiq when one process is no longer enough.
"""

from __future__ import annotations

from turnbuckle_contrib.tasks.plugin import TASKS, Background, Tasks, TasksConfig, TasksPlugin
from turnbuckle_contrib.tasks.records import Schedule, Task, TaskBackend
from turnbuckle_contrib.tasks.times import Daily, Every, Times, parse_seconds

__all__ = [
    "TASKS",
    "Background",
    "Daily",
    "Every",
    "Schedule",
    "Task",
    "TaskBackend",
    "Tasks",
    "TasksConfig",
    "TasksPlugin",
    "Times",
    "parse_seconds",
]

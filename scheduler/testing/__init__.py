"""Checks for users' graphs and ops: whether gradients are right, and ops keep their promises."""

from scheduler.testing.gradients import check_gradients as check_gradients
from scheduler.testing.ops import check_op as check_op
from scheduler.testing.report import Comparison as Comparison
from scheduler.testing.report import GradientReport as GradientReport

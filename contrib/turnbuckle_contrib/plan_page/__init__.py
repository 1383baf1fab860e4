"""Show the plan of an app as a page: the plugin ``plan_page``."""

from turnbuckle_contrib.plan_page.plugin import PlanPageConfig, PlanPagePlugin

__all__ = ["PlanPageConfig", "PlanPagePlugin"]

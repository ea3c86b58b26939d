from . import controllers, gateways, models, tools, wizards
from .hooks import post_init_hook

from .base import DEAD, OPEN, PAID, UNKNOWN, Gateway, LocalGateway, get_gateway

from . import book
from . import manage
from . import pay
from . import portal

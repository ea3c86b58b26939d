from . import book
from . import invoice
from . import link
from . import manage
from . import pay
from . import portal
from . import provider_return
from . import statement

from uhn.adapted.model import AdaptedModel as AdaptedModel
from uhn.adapted.model import adapt as adapt

__version__: str
CODE_VERSION: int

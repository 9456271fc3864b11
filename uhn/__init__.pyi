from uhn.adapted.model import AdaptedModel as AdaptedModel
from uhn.adapted.model import adapt as adapt
from uhn.hypernetworks.uhn import UHN as UHN
from uhn.library.fit import History as History
from uhn.library.fit import fit as fit
from uhn.library.load import load as load
from uhn.library.load import load_targets as load_targets

__version__: str
CODE_VERSION: int

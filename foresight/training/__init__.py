"""One LightningModule, injected parts, exact resumption, checkpoints that verify. Needs the extra `train`."""

from foresight.extras import require

require("lightning")

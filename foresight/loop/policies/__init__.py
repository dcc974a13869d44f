"""Policies, one per file, made to be chained."""

from foresight.loop.policies.abstain import Abstain
from foresight.loop.policies.accept import Accept
from foresight.loop.policies.best import Best
from foresight.loop.policies.chain import Chain
from foresight.loop.policies.compare import Compare
from foresight.loop.policies.conform import Conform
from foresight.loop.policies.refine import Refine
from foresight.loop.policies.reground import Reground
from foresight.loop.policies.resample import Resample
from foresight.loop.policies.revise import Revise

__all__ = ["Abstain", "Accept", "Best", "Chain", "Compare", "Conform", "Refine", "Reground", "Resample", "Revise"]

"""The calculator: what a machine would earn and cost, and whether it ever pays itself back (S3.1 to S3.8, D3).

`profit(asked, live, now)` is all of it: a model or own figures, live market values or own ones. It answers with what
came out and with every value that it took, where that came from and how old it is.
"""

from hashbus.profit.asked import CannotCalculate, HeatAsked, LiveMarket, ProfitAsked
from hashbus.profit.calculate import ProfitAnswer, as_message, profit
from hashbus.profit.values import ValueUsed

__all__ = [
    "CannotCalculate",
    "HeatAsked",
    "LiveMarket",
    "ProfitAnswer",
    "ProfitAsked",
    "ValueUsed",
    "as_message",
    "profit",
]

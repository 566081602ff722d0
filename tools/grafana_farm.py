"""The dashboards of whoever sells power or buys it by the hour, and of the processes themselves."""

from __future__ import annotations

from grafana_panels import Count, Dashboard, Over, Panel, Series

from hashbus.messages import (
    BitcoinPrice,
    CurtailmentPlan,
    Hashprice,
    Indicators,
    MinerTelemetry,
    NetworkState,
    PlanProgress,
    PowerPrice,
    Settlement,
    SiteEconomics,
)

MINERS_W = Series(MinerTelemetry, "power_w", "Miners", Over.ALL)

CURTAILMENT = Dashboard(
    "curtailment",
    "Curtailment",
    "What was asked, what was given up, and what it was worth.",
    (
        Panel(
            "State of the plan",
            (Series(CurtailmentPlan, "state", over=Over.SITE, how="last"),),
            "state-timeline",
            24,
            5,
        ),
        Panel(
            "Asked and delivered",
            (
                Series(PlanProgress, "target_w", "Asked", Over.SITE, how="last"),
                Series(PlanProgress, "delivered_w", "Delivered", Over.SITE, how="last"),
                Series(PlanProgress, "metered_w", "At the meter", Over.SITE, how="last"),
            ),
            width=24,
            height=9,
        ),
        Panel(
            "Miners",
            (
                Series(PlanProgress, "confirmed", "Confirmed", Over.SITE, how="last"),
                Series(PlanProgress, "waiting", "Waiting", Over.SITE, how="last"),
                Series(PlanProgress, "failed", "Failed", Over.SITE, how="last"),
            ),
            is_stacked=True,
        ),
        Panel("Power of all miners", (MINERS_W,)),
        Panel(
            "Planned and missing",
            (
                Series(CurtailmentPlan, "planned_w", "Planned", Over.SITE, how="last"),
                Series(CurtailmentPlan, "missing_w", "Missing", Over.SITE, how="last"),
            ),
        ),
        Panel(
            "Settled energy",
            (
                Series(Settlement, "delivered_wh", "Delivered", Over.SITE, how="last"),
                Series(Settlement, "promised_wh", "Promised", Over.SITE, how="last"),
            ),
        ),
        Panel("Score", (Series(Settlement, "score_pct", over=Over.SITE, how="last"),), "stat", 12, 8),
        Panel("Price of power", (Series(PowerPrice, "price_per_kwh", over=Over.SITE, how="last"),)),
    ),
)

MARKET = Dashboard(
    "market",
    "Market",
    "Bitcoin, the network, electricity, and what a kilowatt-hour earns.",
    (
        Panel("Bitcoin", (Series(BitcoinPrice, "price_usd", over=Over.SITE, how="last"),), "stat", 6, 4),
        Panel("Hashprice", (Series(Hashprice, "hashprice_usd_per_ph_day", over=Over.SITE, how="last"),), "stat", 6, 4),
        Panel("Power", (Series(PowerPrice, "price_per_kwh", over=Over.SITE, how="last"),), "stat", 6, 4),
        Panel(
            "A kilowatt-hour earns",
            (Series(SiteEconomics, "earned_sats_per_kwh", over=Over.SITE, how="last"),),
            "stat",
            6,
            4,
        ),
        Panel(
            "Bitcoin and its bands",
            (
                Series(BitcoinPrice, "price_usd", "Median", Over.SITE),
                Series(BitcoinPrice, "mean_usd", "Mean", Over.SITE),
                Series(Indicators, "bollinger_upper_usd", "Upper band", Over.SITE),
                Series(Indicators, "bollinger_lower_usd", "Lower band", Over.SITE),
            ),
            width=24,
            height=9,
        ),
        Panel("RSI", (Series(Indicators, "rsi_pct", "RSI", Over.SITE),)),
        Panel(
            "MACD",
            (
                Series(Indicators, "macd_usd", "MACD", Over.SITE),
                Series(Indicators, "macd_signal_usd", "Signal", Over.SITE),
            ),
        ),
        Panel("Hashrate of the network", (Series(NetworkState, "hashrate_ehs", over=Over.SITE, how="last"),)),
        Panel(
            "Price of power",
            (
                Series(PowerPrice, "price_per_kwh", "Bought", Over.SITE, how="last"),
                Series(PowerPrice, "export_per_kwh", "Sold", Over.SITE, how="last"),
            ),
        ),
        Panel(
            "A day",
            (
                Series(SiteEconomics, "revenue_per_day", "Revenue", Over.SITE, how="last"),
                Series(SiteEconomics, "power_cost_per_day", "Power", Over.SITE, how="last"),
                Series(SiteEconomics, "margin_per_day", "Margin", Over.SITE, how="last"),
            ),
        ),
        Panel(
            "Sources of the price",
            (
                Series(BitcoinPrice, "sources_used", "Used", Over.SITE, how="last"),
                Series(BitcoinPrice, "sources_total", "Asked", Over.SITE, how="last"),
            ),
        ),
    ),
)

ITSELF = Dashboard(
    "itself",
    "hashbus itself",
    "The processes: whether they are well, how late, what waits.",
    (
        Panel("Services that answer", (Count('up{job="hashbus"}', "{{service}}"),), "state-timeline", 24, 8),
        Panel("Messages a second", (Count("sum by (service) (rate(bus_published_total[2m]))", "{{service}}"),)),
        Panel("Waiting for the broker", (Count("bus_outbox_messages", "{{service}}"),)),
        Panel(
            "Time of a reading, 99 %",
            (
                Count(
                    "histogram_quantile(0.99, sum by (le) (rate(miner_poll_latency_ms_bucket[5m])))", "all miners", "ms"
                ),
            ),
        ),
        Panel("Readings that failed", (Count("sum by (type) (rate(miner_poll_errors_total[5m]))", "{{type}}"),)),
        Panel("Readings begun late", (Count("rate(poller_rounds_late_total[5m])", "a second"),)),
        Panel(
            "Time of a decision, 99 %",
            (
                Count(
                    "histogram_quantile(0.99, sum by (le, service) (rate(step_seconds_bucket[5m])))", "{{service}}", "s"
                ),
            ),
        ),
        Panel("Points written a second", (Count("rate(recorder_points_written_total[2m])", "points"),)),
        Panel(
            "Points that wait on disk",
            (Count("recorder_spool_points", "recorder"), Count("bridge_spooled_records", "bridge")),
        ),
        Panel(
            "Lost at a bound",
            (
                Count("sum by (service) (increase(bus_outbox_dropped_total[1h]))", "{{service}}"),
                Count("increase(recorder_points_dropped_total[1h])", "recorder"),
            ),
        ),
        Panel("Memory", (Count("process_resident_memory_bytes", "{{service}}", "bytes"),)),
        Panel("CPU", (Count("rate(process_cpu_seconds_total[2m])", "{{service}}", "percentunit"),)),
        Panel("Restarts", (Count("increase(supervisor_falls_total[1h])", "{{process}}"),)),
    ),
)

"""The dashboards of every site: what is asked is a field of a message, never a text of its own."""

from __future__ import annotations

from grafana_panels import Columns, Dashboard, Over, Panel, Series

from hashbus.messages import (
    Alert,
    BatteryTelemetry,
    Decision,
    HeatState,
    MeterTelemetry,
    MinerAvailability,
    MinerTelemetry,
    PowerSetpoint,
    SensorTelemetry,
    SiteSummary,
    ZoneState,
)

MINERS_W = Series(MinerTelemetry, "power_w", "Miners", Over.ALL)
MINERS_THS = Series(MinerTelemetry, "hashrate_ths", "Hashrate", Over.ALL)
PV_W = Series(BatteryTelemetry, "pv_w", "Sun", Over.ALL)
LOAD_W = Series(BatteryTelemetry, "load_w", "House", Over.ALL)
GRID_W = Series(BatteryTelemetry, "grid_w", "Grid", Over.ALL)
BATTERY_W = Series(BatteryTelemetry, "battery_w", "Battery", Over.ALL)
SOC_PCT = Series(BatteryTelemetry, "soc_pct", "Charge", how="last")

SITE = Dashboard(
    "site",
    "Site at a glance",
    "Sun, battery, house and miners together, and what was decided.",
    (
        Panel("Hashrate", (MINERS_THS,), "stat", 4, 4),
        Panel("Miners draw", (MINERS_W,), "stat", 4, 4),
        Panel("Sun", (PV_W,), "stat", 4, 4),
        Panel("House", (LOAD_W,), "stat", 4, 4),
        Panel("Grid", (GRID_W,), "stat", 4, 4, "Above zero: buying"),
        Panel("Charge", (SOC_PCT,), "gauge", 4, 4),
        Panel("Power", (PV_W, LOAD_W, MINERS_W, GRID_W, BATTERY_W), "timeseries", 24, 9, "Battery: + charging"),
        Panel(
            "Hashrate and what may be drawn",
            (MINERS_THS, Series(PowerSetpoint, "power_w", "Setpoints", Over.ALL)),
            right=("Setpoints",),
        ),
        Panel("Charge of the battery", (SOC_PCT,)),
        Panel("Hottest chip", (Series(MinerTelemetry, "chip_max_c", how="max"),)),
        Panel(
            "Miners that are reached",
            (
                Series(SiteSummary, "miners_mining", "Mining", Over.SITE, how="last"),
                Series(SiteSummary, "miners_online", "Online", Over.SITE, how="last"),
                Series(SiteSummary, "miners_total", "All", Over.SITE, how="last"),
            ),
        ),
        Panel("Open alerts", (Series(SiteSummary, "alerts_open", "Open", Over.SITE, how="last"),)),
        Panel("Reached", (Series(MinerAvailability, "state", how="last"),), "state-timeline"),
        Panel("Alerts", (Columns(Alert, ("severity", "count")),), "table", 24, 6),
    ),
    (MinerTelemetry, BatteryTelemetry, Alert),
)

MINERS = Dashboard(
    "miners",
    "Miners",
    "Each miner: work, power, warmth and health.",
    (
        Panel(
            "Now",
            (
                Columns(
                    MinerTelemetry,
                    (
                        "state",
                        "health",
                        "hashrate_ths",
                        "power_w",
                        "power_limit_w",
                        "efficiency_j_per_th",
                        "chip_max_c",
                        "uptime_s",
                    ),
                ),
            ),
            "table",
            24,
            9,
        ),
        Panel("Hashrate", (Series(MinerTelemetry, "hashrate_ths"),)),
        Panel("Power", (Series(MinerTelemetry, "power_w"),)),
        Panel("Setpoint", (Series(PowerSetpoint, "power_w", how="last"),)),
        Panel("Efficiency", (Series(MinerTelemetry, "efficiency_j_per_th"),)),
        Panel("Hottest chip", (Series(MinerTelemetry, "chip_max_c", how="max"),)),
        Panel("Hottest board", (Series(MinerTelemetry, "board_max_c", how="max"),)),
        Panel(
            "Liquid",
            (
                Series(MinerTelemetry, "liquid_c"),
                Series(MinerTelemetry, "inlet_c", "in"),
                Series(MinerTelemetry, "outlet_c", "out"),
            ),
        ),
        Panel("Fans", (Series(MinerTelemetry, "fans_max_rpm", how="max"),)),
        Panel(
            "Rejected shares", (Series(MinerTelemetry, "rejected_shares", how="max", per_hour=True),), text="An hour"
        ),
        Panel(
            "Accepted shares", (Series(MinerTelemetry, "accepted_shares", how="max", per_hour=True),), text="An hour"
        ),
        Panel("State", (Series(MinerTelemetry, "state", how="last"),), "state-timeline"),
        Panel("Health", (Series(MinerTelemetry, "health", how="last"),), "state-timeline"),
        Panel("Decided", (Series(Decision, "power_w", how="last"),), text="What the controller set, and kept"),
        Panel("Time of a reading", (Series(MinerTelemetry, "latency_ms"),)),
    ),
    (MinerTelemetry,),
)

BATTERY = Dashboard(
    "battery",
    "Battery and sun",
    "Charge, flows and energy of batteries, inverters and meters.",
    (
        Panel("Charge", (SOC_PCT,)),
        Panel("Sun", (Series(BatteryTelemetry, "pv_w"),)),
        Panel("Battery", (Series(BatteryTelemetry, "battery_w"),), text="+ charging, - discharging"),
        Panel("Grid", (Series(BatteryTelemetry, "grid_w"),), text="+ buying, - selling"),
        Panel("House", (Series(BatteryTelemetry, "load_w"),)),
        Panel("Meter", (Series(MeterTelemetry, "power_w"),)),
        Panel("Energy from the sun", (Series(BatteryTelemetry, "pv_energy_wh", how="max", per_hour=True),)),
        Panel(
            "Energy bought and sold",
            (
                Series(BatteryTelemetry, "import_energy_wh", "bought", how="max", per_hour=True),
                Series(BatteryTelemetry, "export_energy_wh", "sold", how="max", per_hour=True, factor=-1),
            ),
        ),
        Panel(
            "Temperature",
            (Series(BatteryTelemetry, "battery_c", "battery"), Series(BatteryTelemetry, "inverter_c", "inverter")),
        ),
        Panel("Voltage", (Series(BatteryTelemetry, "battery_v"),)),
        Panel("Frequency of the grid", (Series(BatteryTelemetry, "grid_hz"),)),
        Panel("Health of the battery", (Series(BatteryTelemetry, "soh_pct"),)),
    ),
    (BatteryTelemetry, MeterTelemetry),
)

HEAT = Dashboard(
    "heat",
    "Heat",
    "What the zones need, what the miners give, and how warm it is.",
    (
        Panel("Needed", (Series(HeatState, "needed_w", over=Over.SITE),), "stat", 6, 4),
        Panel("Delivered", (Series(HeatState, "delivered_w", over=Over.SITE),), "stat", 6, 4),
        Panel("Delivered today", (Series(HeatState, "delivered_today_wh", over=Over.SITE, how="last"),), "stat", 6, 4),
        Panel("Outdoors", (Series(HeatState, "outdoor_c", over=Over.SITE),), "stat", 6, 4),
        Panel(
            "Temperature of the zones",
            (Series(ZoneState, "temperature_c"), Series(ZoneState, "target_c", "target", how="last")),
            width=24,
            height=9,
        ),
        Panel(
            "Heat needed and delivered",
            (Series(ZoneState, "needed_w", "needed"), Series(ZoneState, "delivered_w", "delivered")),
        ),
        Panel("Heat in liquid loops", (Series(ZoneState, "loop_heat_w"),)),
        Panel("What the zones do", (Series(ZoneState, "activity", how="last"),), "state-timeline"),
        Panel("Profile", (Series(ZoneState, "profile", how="last"),), "state-timeline"),
        Panel(
            "Energy today",
            (
                Series(ZoneState, "delivered_today_wh", "delivered", how="last"),
                Series(ZoneState, "needed_today_wh", "needed", how="last"),
            ),
        ),
        Panel("Changes of power today", (Series(ZoneState, "switches_today", how="last"),)),
        Panel("Sensors", (Series(SensorTelemetry, "temperature_c"),)),
        Panel("Humidity", (Series(SensorTelemetry, "humidity_pct"),)),
    ),
    (ZoneState, SensorTelemetry),
)

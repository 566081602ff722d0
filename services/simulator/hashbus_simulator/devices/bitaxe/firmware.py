"""AxeOS versions: which keys `/api/system/info` has, which routes exist, how text and numbers are typed.

Every list is that of the tag in ESP-Miner (main/http_server, `GET_system_info`), in the firmware's order.
"""

from dataclasses import dataclass

_INFO_2_5 = """
power voltage current temp vrTemp hashRate bestDiff bestSessionDiff stratumDiff isUsingFallbackStratum freeHeap
coreVoltage coreVoltageActual frequency ssid macAddr hostname wifiStatus sharesAccepted sharesRejected
uptimeSeconds asicCount smallCoreCount ASICModel stratumURL fallbackStratumURL stratumPort fallbackStratumPort
stratumUser fallbackStratumUser version idfVersion boardVersion runningPartition flipscreen overheat_mode
invertscreen invertfanpolarity autofanspeed fanspeed fanrpm
"""
_INFO_2_9 = """
power voltage current temp vrTemp maxPower nominalVoltage hashRate expectedHashrate bestDiff bestSessionDiff
poolDifficulty isUsingFallbackStratum isPSRAMAvailable freeHeap coreVoltage coreVoltageActual frequency ssid
macAddr hostname wifiStatus wifiRSSI apEnabled sharesAccepted sharesRejected sharesRejectedReasons uptimeSeconds
smallCoreCount ASICModel stratumURL stratumPort stratumUser stratumSuggestedDifficulty
stratumExtranonceSubscribe fallbackStratumURL fallbackStratumPort fallbackStratumUser
fallbackStratumSuggestedDifficulty fallbackStratumExtranonceSubscribe responseTime version axeOSVersion
idfVersion boardVersion runningPartition overheat_mode overclockEnabled display rotation invertscreen
displayTimeout autofanspeed fanspeed temptarget fanrpm statsFrequency power_fault
"""
_INFO_2_12 = """
power voltage current temp temp2 vrTemp maxPower nominalVoltage hashRate hashRate_1m hashRate_10m hashRate_1h
expectedHashrate errorPercentage bestDiff bestSessionDiff poolDifficulty isUsingFallbackStratum poolAddrFamily
isPSRAMAvailable freeHeap freeHeapInternal freeHeapSpiram coreVoltage coreVoltageActual frequency ssid macAddr
hostname ipv4 ipv6 wifiStatus wifiRSSI apEnabled sharesAccepted sharesRejected sharesRejectedReasons
uptimeSeconds smallCoreCount ASICModel stratumURL stratumPort stratumUser stratumSuggestedDifficulty
stratumExtranonceSubscribe fallbackStratumURL fallbackStratumPort fallbackStratumUser
fallbackStratumSuggestedDifficulty fallbackStratumExtranonceSubscribe responseTime version axeOSVersion
idfVersion boardVersion resetReason runningPartition overheat_mode overclockEnabled display rotation
invertscreen displayTimeout autofanspeed fanspeed manualFanSpeed minFanSpeed temptarget fanrpm fan2rpm
statsFrequency blockFound power_fault blockHeight scriptsig networkDifficulty hashrateMonitor
"""
_INFO_2_14 = """
power voltage current temp temp2 vrTemp coreVoltageActual actualFrequency expectedHashrate fanspeed fanrpm
fan2rpm hashRate hashRate_1m hashRate_10m hashRate_1h errorPercentage sharesAccepted sharesRejected
bestDiff bestSessionDiff poolDifficulty responseTime responseShareBatch processTime blockFound
showNewBlock blockHeight scriptsig networkDifficulty coinbaseValueTotalSatoshis coinbaseValueUserSatoshis
freeHeap freeHeapInternal freeHeapSpiram uptimeSeconds cpuUsage miningPaused overheat_mode wifiStatus
wifiRSSI power_fault hardware_fault version axeOSVersion idfVersion boardVersion maxPower nominalVoltage
smallCoreCount ASICModel isPSRAMAvailable resetReason runningPartition macAddr hostname ssid ipv4 ipv6
apEnabled poolConnectionInfo isUsingFallbackStratum stratumURL stratumPort stratumUser
stratumSuggestedDifficulty stratumExtranonceSubscribe stratumTLS stratumCert stratumDecodeCoinbase
fallbackStratumURL fallbackStratumPort fallbackStratumUser fallbackStratumSuggestedDifficulty
fallbackStratumExtranonceSubscribe fallbackStratumTLS fallbackStratumCert fallbackStratumDecodeCoinbase
stratumProtocol stratumV2AuthorityPubkey stratumV2ChannelType fallbackStratumV2AuthorityPubkey
fallbackStratumV2ChannelType fallbackStratumProtocol overclockEnabled display rotation invertscreen
displayTimeout autofanspeed manualFanSpeed minFanSpeed temptarget coreVoltage frequency statsFrequency
statsLimit hashrateMonitor sharesRejectedReasons blockSignals coinbaseOutputs
"""
_ADDED_2_15 = """
sharesPending workReceived minFreeHeap maxAllocHeap totalUptimeSeconds totalHashes totalLog2Work
primaryPoolIndex secondaryPoolIndex useFallbackStratum pools useCustomWWW partitions
"""


@dataclass(frozen=True, slots=True)
class AxeOs:
    """One version of the firmware and what it can do."""

    version: str
    idf_version: str
    info_keys: tuple[str, ...]

    def since(self, major: int, minor: int) -> bool:
        """Whether this version has what `major.minor` brought."""
        mine = tuple(int(part) for part in self.version.removeprefix("v").split("."))
        return mine >= (major, minor, 0)


FIRMWARES: dict[str, AxeOs] = {
    firmware.version: firmware
    for firmware in (
        AxeOs("v2.4.5", "v5.3.1", tuple(_INFO_2_5.split())),
        AxeOs("v2.5.1", "v5.4", tuple(_INFO_2_5.split())),
        AxeOs("v2.9.0", "v5.4.1", tuple(_INFO_2_9.split())),
        AxeOs("v2.12.0", "v5.5.1", tuple(_INFO_2_12.split())),
        AxeOs("v2.14.2", "v5.5.3", tuple(_INFO_2_14.split())),
        AxeOs("v2.15.0", "v5.5.3", tuple((_INFO_2_14 + _ADDED_2_15).split())),
    )
}

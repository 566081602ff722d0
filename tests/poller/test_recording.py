"""Recording a device as a fixture: what is written, and what never gets out (`hashbus record`)."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hashbus.messages import MinerIdentity, MinerReading
from hashbus_poller.cli import record
from hashbus_poller.drivers.bitaxe import parse as bitaxe
from hashbus_poller.drivers.cgminer import parse as cgminer
from hashbus_poller.drivers.cgminer.answer import decode
from hashbus_poller.drivers.whatsminer import parse as whatsminer
from hashbus_poller.drivers.whatsminer.frames import FrameReader, framed
from hashbus_poller.drivers.whatsminer.replies import reply
from hashbus_poller.masking import Masker
from hashbus_poller.standins import Secret, StandIns
from tests.poller.network import EmulatedNetwork, logs_put_back

WHATSMINER, CGMINER, BITAXE = "127.93.1.1", "127.93.1.2", "127.93.1.3"
BITAXE_PORT = 18_093
PASSWORD = "miner-pass1"
BLOCKS: list[dict[str, object]] = [
    {"family": "whatsminer_v3", "host": WHATSMINER, "password": PASSWORD},
    {"family": "cgminer", "host": CGMINER},
    {"family": "bitaxe", "host": BITAXE, "ports": {"web": BITAXE_PORT}},
]
WALLET = "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4"

Terminal = pytest.CaptureFixture[str]


@pytest.fixture(scope="module", autouse=True)
def _network(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with EmulatedNetwork(tmp_path_factory.mktemp("network"), BLOCKS):
        yield


@pytest.fixture(autouse=True)
def _logs() -> Iterator[None]:
    with logs_put_back():
        yield


@pytest.fixture
def password_file(tmp_path: Path) -> str:
    file = tmp_path / "password"
    file.write_text(PASSWORD)
    return str(file)


def test_a_whatsminer_is_recorded_question_by_question_and_reads_as_it_was_read(
    tmp_path: Path, password_file: str, capsys: Terminal
) -> None:
    into = tmp_path / "fixtures"
    how = ["--driver", "whatsminer", "--password-file", password_file, "--into", str(into)]
    assert record([WHATSMINER, *how]) == 0
    folder = into / "whatsminer" / "M64_VL40" / "20250415.11.REL"
    info = reply((folder / "get.device.info.json").read_bytes())
    status = reply((folder / "get.miner.status_summary+pools+edevs.json").read_bytes())
    written = MinerReading.model_validate_json((folder / "reading.json").read_bytes())
    assert whatsminer.reading(info, status, power_pct=None, latency_ms=None) == written
    who = MinerIdentity.model_validate_json((folder / "identity.json").read_bytes())
    assert who.capabilities, "the password was used, though it is not written"
    printed = capsys.readouterr().out
    assert str(folder) in printed
    assert "MAC addresses" in printed
    assert "Left as it is: pool stratum+tcp://pool.example:3333" in printed


def test_nothing_of_the_owner_is_in_any_file(tmp_path: Path, password_file: str) -> None:
    how = ["--driver", "whatsminer", "--password-file", password_file, "--into", str(tmp_path)]
    assert record([WHATSMINER, *how]) == 0
    files = list((tmp_path / "whatsminer").rglob("*.*"))
    everything = b"\n".join(file.read_bytes() for file in files if file.is_file()).lower()
    assert b"m64_vl40" in everything
    for private in (PASSWORD, WHATSMINER, "c2:00:01:00:00:01", "c20001000001", "HB0010000000001", "farm.worker1"):
        assert private.lower().encode() not in everything, private


def test_an_answer_is_kept_byte_for_byte_with_its_nul_and_its_length(tmp_path: Path) -> None:
    assert record([CGMINER, "--driver", "cgminer", "--into", str(tmp_path), "--situation", "mining"]) == 0
    [folder] = tmp_path.glob("cgminer/Generic_SHA-256/*/mining")
    raw = (folder / "summary+devs+pools.bin").read_bytes()
    assert raw.endswith(b"}\0")
    joined = decode("summary+devs+pools", raw)
    summary = joined.part("summary")
    assert summary is not None
    read = cgminer.parse_reading(summary, joined.part("devs"), joined.part("pools"))
    assert read == MinerReading.model_validate_json((folder / "reading.json").read_bytes())


def test_a_bitaxe_is_recorded_over_http(tmp_path: Path) -> None:
    assert record([BITAXE, "--port", str(BITAXE_PORT), "--driver", "bitaxe", "--into", str(tmp_path)]) == 0
    folder = tmp_path / "bitaxe" / "Gamma" / "2.12.0"
    info = (folder / "GET_api_system_info.json").read_bytes()
    written = MinerReading.model_validate_json((folder / "reading.json").read_bytes())
    assert bitaxe.reading(bitaxe.info(info), info).hashrate_ths == written.hashrate_ths
    assert (folder / "GET_api_system_asic.json").exists()


def test_a_recording_is_replaced_only_when_told_to(tmp_path: Path, capsys: Terminal) -> None:
    arguments = [CGMINER, "--driver", "cgminer", "--into", str(tmp_path)]
    assert record(arguments) == 0
    [folder] = tmp_path.glob("cgminer/*/*")
    (folder / "of-an-earlier-driver.bin").write_bytes(b"x")
    assert record(arguments) == 1
    assert "has a recording already; --force replaces it" in capsys.readouterr().err
    assert record([*arguments, "--force"]) == 0
    assert not (folder / "of-an-earlier-driver.bin").exists(), "two recordings in one folder would be mixed"


def test_what_is_not_understood_is_kept_for_a_bug_report(tmp_path: Path, capsys: Terminal) -> None:
    # The web page of a Bitaxe answers a question of the cgminer API in HTTP.
    how = ["--port", str(BITAXE_PORT), "--driver", "cgminer", "--into", str(tmp_path), "--timeout", "3"]
    assert record([BITAXE, *how]) == 1
    assert "✖" in capsys.readouterr().err
    folder = tmp_path / "cgminer" / "unknown" / "unknown"
    assert b"HTTP/1" in (folder / "version.bin").read_bytes()
    assert (folder / "error.txt").read_text().startswith("Garbled: ")


def test_a_device_that_is_not_there_leaves_no_folder(tmp_path: Path) -> None:
    assert record(["127.93.9.9", "--driver", "cgminer", "--into", str(tmp_path / "fixtures")]) == 1
    assert not (tmp_path / "fixtures").exists()


def test_a_folder_that_cannot_be_written_is_said(tmp_path: Path, capsys: Terminal) -> None:
    (tmp_path / "file").write_text("")
    assert record([CGMINER, "--driver", "cgminer", "--into", str(tmp_path / "file")]) == 1
    assert "cannot be written" in capsys.readouterr().err


def masked(answer: bytes, *known: tuple[Secret, str]) -> bytes:
    masker = Masker()
    for secret, value in known:
        masker.know(secret, value)
    masker.learn(answer)
    return masker.masked(answer)


class TestMasking:
    @pytest.mark.parametrize(
        ("answer", "expected"),
        [
            ('{"mac":"C2:05:11:00:AB:CD"}', '{"mac":"02:00:00:00:00:01"}'),
            ('{"miner-sn":"SNREAL0815","pcbsn0":"H64A7"}', '{"miner-sn":"XXXXXX0001","pcbsn0":"X00X1"}'),
            ('{"User":"farm.w1","User":"farm.w2"}', '{"User":"xxxa.x1","User":"xxxa.x2"}'),
            ('{"stratumUser":"a\\/b1"}', '{"stratumUser":"a\\/x1"}'),
            ('{"pass":"x","passwd":"hunter2"}', '{"pass":"x","passwd":"xxxxxx1"}'),
            ('{"ip":"192.168.1.23","netmask":"255.255.255.0"}', '{"ip":"10.0.100.101","netmask":"255.255.255.0"}'),
            ('{"url":"stratum+tcp://10.1.2.3:3333"}', '{"url":"stratum+tcp://10.0.0.1:3333"}'),
            ('{"plantId":12345,"name":"Home"}', '{"plantId":10001,"name":"Xxxa"}'),
            ('{"ssid":"Our Wifi","hostname":"attic"}', '{"ssid":"Xxa Xxxa","hostname":"xxxxa"}'),
            ('{"latitude":48.137,"serialNum":0}', '{"latitude":11.101,"serialNum":0}'),
        ],
    )
    def test_what_a_key_names_gets_a_stand_in_of_its_form(self, answer: str, expected: str) -> None:
        assert masked(answer.encode()).decode() == expected

    @pytest.mark.parametrize(
        "answer",
        [
            '{"version":"1.2.3.4","bestSessionDiff":"12.1M","pToUser":"120","apiswitch":"1"}',
            '{"id":1,"PSU":1,"chip-temp-min":52.1,"url":"stratum+tcp://pool.example:3333","Accepted":1043}',
            '{"permission":"super=255 user1=0","fwversion":"20250415.11.REL","type":"M64_VL40"}',
            '{"mac":"","serial_no":"N/A","dns":"0.0.0.0","sn":"0000"}',
        ],
    )
    def test_what_is_nobodys_stays(self, answer: str) -> None:
        assert masked(answer.encode()).decode() == answer

    def test_one_thing_has_one_stand_in_in_every_spelling(self) -> None:
        answer = b'{"mac":"C2:05:11:00:AB:CD","log":"c2-05-11-00-ab-cd and c2051100abcd","name":"wm_C2051100ABCD"}'
        assert masked(answer) == (
            b'{"mac":"02:00:00:00:00:01","log":"02-00-00-00-00-01 and 020000000001","name":"wm_020000000001"}'
        )

    def test_a_wallet_is_masked_also_where_it_is_half_of_a_worker(self) -> None:
        answer = f'{{"User":"{WALLET}.rig7","note":"pays to {WALLET}"}}'.encode()
        found = masked(answer).decode()
        assert WALLET not in found
        user, note = json.loads(found).values()
        assert user.startswith("bc1q")
        assert note == f"pays to {user.partition('.')[0]}"

    def test_a_password_that_was_used_is_masked_wherever_it_stands(self) -> None:
        assert masked(b"login root:geheim1 ok", (Secret.PASSWORD, "geheim1")) == b"login root:xxxxxx1 ok"

    def test_a_framed_answer_stays_a_frame(self) -> None:
        document = b'{"code":0,"msg":{"network":{"ip":"192.168.100.200","mac":"C2:05:11:00:AB:CD"}}}'
        [read] = FrameReader().feed(masked(framed(document)))
        assert json.loads(read)["msg"]["network"] == {"ip": "192.168.100.101", "mac": "02:00:00:00:00:01"}

    def test_broken_json_is_masked_and_stays_as_broken(self) -> None:
        assert masked(b'{"User":"farm.w1"}{"MAC":"C2:05:11:00:AB:CD",,\x00') == (
            b'{"User":"xxxa.x1"}{"MAC":"02:00:00:00:00:01",,\x00'
        )

    @given(st.binary(max_size=300))
    def test_no_bytes_crash_it_and_every_length_is_kept(self, answer: bytes) -> None:
        assert len(masked(answer)) == len(answer)

    @given(
        st.dictionaries(
            st.sampled_from(["mac", "User", "miner-sn", "ip", "pass", "hostname", "latitude", "userId", "url", "x"]),
            st.text(max_size=20)
            | st.integers()
            | st.floats(-180, 180)
            | st.ip_addresses(v=4).map(str)
            | st.from_regex(r"[0-9A-F]{2}(:[0-9A-F]{2}){5}", fullmatch=True),
        )
    )
    def test_json_stays_json_of_the_same_length(self, said: dict[str, object]) -> None:
        answer = json.dumps(said).encode()
        found = masked(answer)
        assert len(found) == len(answer)
        assert json.loads(found).keys() == said.keys()

    @given(
        st.sampled_from([secret for secret in Secret if secret is not Secret.MAC]),
        st.lists(st.from_regex(r"[A-Za-z0-9]{6,20}", fullmatch=True), unique=True),
    )
    def test_different_things_stay_different(self, secret: Secret, values: list[str]) -> None:
        stand_ins = StandIns()
        made = [stand_ins.of(secret, value) for value in values]
        assert len(set(made)) == len(values)
        assert [len(one) for one in made] == [len(one) for one in values]

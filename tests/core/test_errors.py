from penjing.core.errors import DataError, MissingExtra, PenjingError, TargetMissed, UsageError, did_you_mean


def test_every_error_is_a_penjing_error_with_its_exit_code():
    codes = {UsageError: 2, DataError: 1, TargetMissed: 3, MissingExtra: 1}
    for kind, code in codes.items():
        assert issubclass(kind, PenjingError)
        assert kind.exit_code == code


def test_a_near_miss_gets_the_name_that_was_meant():
    assert did_you_mean("cn", ["cnn", "mlp"]) == 'did you mean "cnn"?'
    assert did_you_mean("CNN", ["cnn", "mlp"]) == 'did you mean "cnn"?'


def test_a_far_miss_gets_the_names_there_are():
    assert did_you_mean("transformer", ["cnn", "mlp"]) == "known: cnn, mlp"
    assert did_you_mean("x", []) == "there are none"


def test_a_missing_extra_says_how_to_install_it():
    assert "pip install 'penjing[onnx]'" in str(MissingExtra("onnx", "onnx", "export"))


def test_a_missed_target_carries_the_best_result():
    assert TargetMissed("too big", best=7).best == 7

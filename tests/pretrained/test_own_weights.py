"""Encoders that a person names: folders and files that these tests write, with random weights."""

from __future__ import annotations

import importlib.util
import json
import pickle
import socket
import sys

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from penjing import pretrained
from penjing.core import plugins
from penjing.core.errors import DataError, MissingExtra, UsageError
from penjing.pretrained import _own, _timm, _transformers

needs_timm = pytest.mark.skipif(importlib.util.find_spec("timm") is None, reason=_timm.INSTALL)
needs_transformers = pytest.mark.skipif(importlib.util.find_spec("transformers") is None, reason=_transformers.INSTALL)
WORDS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "good", "bad", "film", "盆", "景"]


@pytest.fixture(autouse=True)
def no_network(monkeypatch):
    def refuse(*given, **_):
        raise AssertionError(f"somebody tried to reach another computer: {given}")

    for name in ("getaddrinfo", "gethostbyname", "create_connection"):
        monkeypatch.setattr(socket, name, refuse)
    monkeypatch.setattr(socket.socket, "connect", refuse)


def read(name):
    return _own.loaded(*_own.named(name))


def pictures(count=3):
    return np.random.default_rng(0).integers(0, 256, (count, 40, 30, 3), dtype=np.uint8)


@needs_timm
@pytest.mark.parametrize("ending", [".safetensors", ".pt"])
def test_a_timm_network_takes_its_weights_from_a_file(tmp_path, ending):
    timm = _timm._imported()
    torch.manual_seed(1)
    network = timm.create_model("resnet10t", num_classes=7)
    file = tmp_path / f"权重{ending}"
    save_file(network.state_dict(), file) if ending == ".safetensors" else torch.save(network.state_dict(), file)
    own = read(f"timm:resnet10t@{file}")
    assert (own.modality, own.features) == ("image", 512)
    found = own.embed(pictures())
    # by hand: the same network, fed what its own configuration says
    taken = network.pretrained_cfg
    side = taken["input_size"][1]
    maps = torch.nn.functional.interpolate(
        torch.from_numpy(pictures()).permute(0, 3, 1, 2).float(), (side, side), mode="bilinear", antialias=True
    )
    mean, std = (torch.tensor(taken[name]).view(1, 3, 1, 1) for name in ("mean", "std"))
    network.eval().reset_classifier(0)
    with torch.inference_mode():
        expected = network((maps / 255 - mean) / std)
    np.testing.assert_allclose(found, expected.numpy(), rtol=1e-3, atol=1e-4)
    np.testing.assert_array_equal(found, own.embed(pictures()))
    assert own.embed(pictures()[..., :1]).shape == (3, 512)
    assert _own.about(*_own.named(f"timm:resnet10t@{file}"), "MIT") == {
        "package": "timm",
        "source": f"timm resnet10t, weights of {file}",
        "licence": "MIT",
        "weights": "named by the person who trained",
    }


@needs_timm
def test_a_folder_that_timm_saved_is_known_by_its_architecture(tmp_path):
    network = _timm._imported().create_model("resnet10t", num_classes=2)
    save_file(network.state_dict(), tmp_path / "model.safetensors")
    (tmp_path / "config.json").write_text(json.dumps({"architecture": "resnet10t"}), encoding="utf-8")
    assert _own.named(str(tmp_path)) == ("timm", str(tmp_path))
    assert read(str(tmp_path)).embed(pictures(1)).shape == (1, 512)


def saved_by_timm(folder, **arguments):
    """A small network in a folder, as timm itself writes it."""
    timm = _timm._imported()
    network = timm.create_model("test_resnet", **arguments)
    timm.models.save_for_hf(network, folder, safe_serialization=True)
    return network.eval()


@needs_timm
def test_a_folder_of_timms_own_making_is_read(tmp_path):
    network = saved_by_timm(tmp_path, num_classes=5)
    own = read(str(tmp_path))
    assert own.features == network.num_features
    maps = torch.nn.functional.interpolate(
        torch.from_numpy(pictures()).permute(0, 3, 1, 2).float(), (own.side,) * 2, mode="bilinear", antialias=True
    )
    mean, std = (torch.tensor(network.pretrained_cfg[name]).view(1, 3, 1, 1) for name in ("mean", "std"))
    network.reset_classifier(0)
    with torch.inference_mode():
        expected = network((maps / 255 - mean) / std)
    np.testing.assert_allclose(own.embed(pictures()), expected.numpy(), rtol=1e-3, atol=1e-4)


@needs_timm
def test_a_folder_of_an_older_timm_says_on_one_level_how_pictures_are_prepared(tmp_path):
    saved_by_timm(tmp_path, num_classes=5)
    file = tmp_path / "config.json"
    said = json.loads(file.read_text(encoding="utf-8"))
    changed = {**said["pretrained_cfg"], "mean": [0.1] * 3, "std": [0.3] * 3, "input_size": [3, 96, 96]}
    file.write_text(json.dumps({**said, "pretrained_cfg": changed}), encoding="utf-8")
    new = read(str(tmp_path))
    file.write_text(json.dumps({"architecture": said["architecture"], **changed}), encoding="utf-8")
    old = read(str(tmp_path))
    assert old.side == new.side == 96
    np.testing.assert_array_equal(old.embed(pictures()), new.embed(pictures()))
    assert old.fingerprint == new.fingerprint
    changed["mean"] = [0.2] * 3
    file.write_text(json.dumps({**said, "pretrained_cfg": changed}), encoding="utf-8")
    assert read(str(tmp_path)).fingerprint != old.fingerprint


@needs_timm
def test_a_timm_network_for_other_channels_is_refused(tmp_path):
    saved_by_timm(tmp_path, in_chans=1)
    with pytest.raises(DataError, match="is for pictures of 1 channels; penjing shows it red, green, blue"):
        read(str(tmp_path))


@needs_timm
def test_a_timm_network_that_gives_no_vectors_is_refused(tmp_path):
    saved_by_timm(tmp_path, global_pool="")
    with pytest.raises(DataError, match=r"is no encoder of pictures: it gives \[1, \d+, \d+, \d+\] for one item"):
        read(str(tmp_path))


@needs_timm
def test_a_folder_with_an_at_sign_is_a_folder(tmp_path):
    folder = tmp_path / "me@work"
    saved_by_timm(folder)
    for name in (str(folder), f"timm:{folder}"):
        assert _own.named(name) == ("timm", str(folder))
    before = read(str(folder)).fingerprint
    saved_by_timm(folder)
    assert read(str(folder)).fingerprint != before
    file = small_timm(folder / "w@1.safetensors", seed=1)
    assert read(f"timm:resnet10t@{file}").features == 512
    assert _own.about("timm", str(folder), "MIT")["source"] == f"timm {folder}"
    assert _own.about("timm", f"resnet10t@{file}", "MIT")["source"] == f"timm resnet10t, weights of {file}"
    folder.rename(tmp_path / "gone")
    for weights in (str(folder), f"resnet10t@{file}"):
        with pytest.raises(DataError, match="are not there any more; put them back"):
            _own.loaded("timm", weights)


@needs_timm
def test_a_folder_of_transformers_is_none_of_timm(tmp_path):
    (tmp_path / "config.json").write_text(json.dumps({"model_type": "bert"}), encoding="utf-8")
    with pytest.raises(DataError, match=f"names no architecture of timm; it is of transformers:{tmp_path}"):
        read(f"timm:{tmp_path}")


@needs_timm
@pytest.mark.parametrize("held", [torch.zeros(3), [torch.zeros(3)], {"state_dict": [1, 2]}])
def test_a_file_that_holds_no_weights_by_name_is_refused(tmp_path, held):
    torch.save(held, tmp_path / "w.pt")
    with pytest.raises(DataError, match=r"w\.pt holds no weights by name \(\w+\); save the network's state_dict"):
        read(f"timm:resnet10t@{tmp_path / 'w.pt'}")


@needs_timm
def test_what_lies_beside_the_weights_in_their_file_is_passed_over(tmp_path):
    torch.save({"conv1.0.weight": "no tensor", "epoch": 3}, tmp_path / "w.pt")
    with pytest.raises(DataError, match="do not fit"):
        read(f"timm:resnet10t@{tmp_path / 'w.pt'}")


@needs_timm
def test_the_stand_in_for_torchvision_is_gone_afterwards():
    _timm._imported()
    if importlib.util.find_spec("torchvision") is None:
        assert not [name for name in sys.modules if name.split(".")[0] == "torchvision"]


@needs_timm
def test_weights_of_another_network_are_refused(tmp_path):
    save_file({"layer.weight": torch.zeros(2)}, tmp_path / "other.safetensors")
    with pytest.raises(DataError, match=r"do not fit: \d+ of \d+ are missing"):
        read(f"timm:resnet10t@{tmp_path / 'other.safetensors'}")


@needs_timm
def test_an_architecture_that_timm_lacks_is_refused(tmp_path):
    save_file({"layer.weight": torch.zeros(2)}, tmp_path / "w.safetensors")
    with pytest.raises(UsageError, match="no_such_network"):
        read(f"timm:no_such_network@{tmp_path / 'w.safetensors'}")


class Trap:
    """Runs code where somebody unpickles it."""

    def __reduce__(self):
        return (exec, ("raise SystemExit('the pickle ran')",))


def test_a_pickle_is_read_without_running_what_it_holds(tmp_path):
    (tmp_path / "trap.pt").write_bytes(pickle.dumps({"state_dict": Trap()}))
    with pytest.raises(DataError, match=r"trap\.pt cannot be read"):
        _own.read_weights(tmp_path / "trap.pt")


@needs_transformers
def test_a_transformers_folder_of_a_text_network_gives_the_mean_of_its_tokens(tmp_path):
    from transformers import BertConfig, BertModel

    network = BertModel(
        BertConfig(
            vocab_size=len(WORDS), hidden_size=24, num_hidden_layers=2, num_attention_heads=2, intermediate_size=32
        )
    ).eval()
    network.save_pretrained(tmp_path)
    write_tokeniser(tmp_path)
    own = read(str(tmp_path))
    assert (own.modality, own.features) == ("text", 24)
    found = own.embed(["good film", "盆景 good good bad", "", None])
    with torch.inference_mode():
        ids = torch.tensor([[2, 5, 7, 3]])
        expected = network(input_ids=ids).last_hidden_state.mean(1)[0]
    np.testing.assert_allclose(found[0], expected.numpy(), rtol=1e-3, atol=1e-5)
    assert np.abs(found[2:]).max() == 0
    assert np.abs(found[0] - found[1]).max() > 1e-3


def write_tokeniser(folder):
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors

    tokeniser = Tokenizer(models.WordPiece({word: row for row, word in enumerate(WORDS)}, unk_token="[UNK]"))
    tokeniser.normalizer = normalizers.BertNormalizer()
    tokeniser.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokeniser.post_processor = processors.BertProcessing(("[SEP]", 3), ("[CLS]", 2))
    from transformers import PreTrainedTokenizerFast

    PreTrainedTokenizerFast(
        tokenizer_object=tokeniser, pad_token="[PAD]", unk_token="[UNK]", cls_token="[CLS]", sep_token="[SEP]"
    ).save_pretrained(folder)


@needs_transformers
def test_a_transformers_folder_of_a_picture_network_works(tmp_path):
    from transformers import ViTConfig, ViTModel

    ViTModel(
        ViTConfig(
            hidden_size=24,
            num_hidden_layers=1,
            num_attention_heads=2,
            intermediate_size=32,
            image_size=32,
            patch_size=8,
        )
    ).save_pretrained(tmp_path)
    own = read(str(tmp_path))
    assert (own.modality, own.features) == ("image", 24)
    assert own.embed(pictures()).shape == (3, 24)


@needs_transformers
def test_a_transformers_folder_of_a_sound_network_works(tmp_path):
    from transformers import Wav2Vec2Config, Wav2Vec2Model

    Wav2Vec2Model(
        Wav2Vec2Config(
            hidden_size=24,
            num_hidden_layers=1,
            num_attention_heads=2,
            intermediate_size=32,
            conv_dim=(8, 8),
            conv_stride=(10, 16),
            conv_kernel=(20, 16),
            num_feat_extract_layers=2,
            num_conv_pos_embeddings=4,
            num_conv_pos_embedding_groups=2,
        )
    ).save_pretrained(tmp_path)
    own = read(str(tmp_path))
    assert own.modality == "audio"
    clips = np.random.default_rng(0).integers(-3000, 3000, (2, 8000), dtype=np.int16)
    found = own.embed(clips, 8000)
    assert found.shape == (2, own.features)
    assert np.isfinite(found).all()


def small_vit(**changed):
    from transformers import ViTConfig, ViTModel

    taken = {"hidden_size": 24, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 32}
    return ViTModel(ViTConfig(**{**taken, "image_size": 32, "patch_size": 8, **changed}))


def small_bert(folder, **changed):
    from transformers import BertConfig, BertModel

    taken = {"hidden_size": 24, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 32}
    network = BertModel(BertConfig(vocab_size=len(WORDS), **taken), **changed)
    network.save_pretrained(folder)
    write_tokeniser(folder)
    return network.eval()


def anew(name, seed):
    """What another process finds, with the random numbers of its own."""
    _own._load.cache_clear()
    torch.manual_seed(seed)
    return read(str(name))


@needs_transformers
def test_weights_that_a_checkpoint_lacks_and_no_vector_needs_do_not_change_its_fingerprint(tmp_path):
    small_bert(tmp_path, add_pooling_layer=False)
    one, other = anew(tmp_path, seed=1), anew(tmp_path, seed=2)
    assert one.fingerprint == other.fingerprint
    np.testing.assert_array_equal(one.embed(["good film"]), other.embed(["good film"]))


@needs_transformers
def test_a_folder_that_lacks_weights_is_refused(tmp_path):
    small_vit().save_pretrained(tmp_path)
    weights = _own.read_weights(tmp_path / "model.safetensors")
    save_file(
        {f"other.{name}": value for name, value in weights.items()}, tmp_path / "model.safetensors", {"format": "pt"}
    )
    with pytest.raises(DataError, match=r"\d+ of \d+ weights are missing \("):
        read(str(tmp_path))
    del weights["layernorm.weight"]
    save_file(weights, tmp_path / "model.safetensors", {"format": "pt"})
    with pytest.raises(DataError, match=r"1 of \d+ weights are missing \(layernorm\.weight\)"):
        read(str(tmp_path))


@needs_transformers
@pytest.mark.parametrize("kind", [torch.bfloat16, torch.float16])
def test_a_checkpoint_of_half_the_bits_is_read_as_float32(tmp_path, kind):
    network = small_bert(tmp_path).to(kind)
    network.save_pretrained(tmp_path)
    found = read(str(tmp_path)).embed(["good film"])
    with torch.inference_mode():
        expected = network.float()(input_ids=torch.tensor([[2, 5, 7, 3]])).last_hidden_state.mean(1)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, expected.numpy(), rtol=1e-3, atol=1e-5)


@needs_transformers
@pytest.mark.parametrize("kind", ["resnet", "convnext"])
def test_of_maps_the_mean_is_over_the_places(tmp_path, kind):
    from transformers import ConvNextConfig, ConvNextModel, ResNetConfig, ResNetModel

    if kind == "resnet":
        network = ResNetModel(ResNetConfig(embedding_size=8, hidden_sizes=[8, 12], depths=[1, 1], layer_type="basic"))
    else:
        network = ConvNextModel(ConvNextConfig(hidden_sizes=[8, 12], depths=[1, 1], num_stages=2, image_size=64))
    network.save_pretrained(tmp_path)
    own = read(str(tmp_path))
    assert own.features == 12
    assert own.embed(pictures()[:0]).shape == (0, 12)
    found = own.embed(pictures())
    maps = torch.nn.functional.interpolate(
        torch.from_numpy(pictures()).permute(0, 3, 1, 2).float(), (own.side,) * 2, mode="bilinear", antialias=True
    )
    with torch.inference_mode():
        expected = network.eval()((maps / 255 - 0.5) / 0.5).last_hidden_state.mean((2, 3))
    np.testing.assert_allclose(found, expected.numpy(), rtol=1e-3, atol=1e-4)


@needs_transformers
def test_a_side_may_be_said_as_height_and_width(tmp_path):
    small_vit(image_size=(32, 32)).save_pretrained(tmp_path)
    assert read(str(tmp_path)).side == 32


@needs_transformers
def test_a_network_that_hides_parts_at_random_is_refused(tmp_path):
    from transformers import ViTMAEConfig, ViTMAEModel

    taken = {"hidden_size": 24, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 32}
    ViTMAEModel(ViTMAEConfig(**taken, image_size=32, patch_size=8)).save_pretrained(tmp_path)
    with pytest.raises(DataError, match="other values for the same item each time"):
        read(str(tmp_path))


@needs_transformers
def test_a_network_that_takes_what_penjing_does_not_give_is_refused(tmp_path):
    from transformers import WhisperConfig, WhisperModel

    taken = {"encoder_layers": 1, "decoder_layers": 1, "encoder_attention_heads": 2, "decoder_attention_heads": 2}
    widths = {"d_model": 16, "encoder_ffn_dim": 16, "decoder_ffn_dim": 16, "num_mel_bins": 8}
    vocabulary = {
        "vocab_size": 20,
        "pad_token_id": 0,
        "bos_token_id": 1,
        "eos_token_id": 2,
        "decoder_start_token_id": 1,
    }
    WhisperModel(WhisperConfig(**taken, **widths, **vocabulary)).save_pretrained(tmp_path)
    with pytest.raises(DataError, match="it takes input_features, and penjing gives pixel_values"):
        read(str(tmp_path))


@needs_transformers
def test_a_network_that_cannot_answer_one_item_is_refused_when_it_is_loaded(tmp_path):
    from transformers import T5Config, T5Model

    taken = {"d_model": 16, "d_kv": 8, "d_ff": 16, "num_layers": 1, "num_heads": 2, "decoder_start_token_id": 0}
    T5Model(T5Config(vocab_size=len(WORDS), **taken)).save_pretrained(tmp_path)
    write_tokeniser(tmp_path)
    with pytest.raises(DataError, match="transformers cannot load"):
        read(str(tmp_path))


@needs_transformers
def test_a_fingerprint_is_of_how_items_are_prepared_too(tmp_path):
    small_vit().save_pretrained(tmp_path)
    file, found = tmp_path / "preprocessor_config.json", set()
    mean, std = [0.1, 0.2, 0.3], [0.4] * 3
    for said in ({}, {"image_mean": mean}, {"image_mean": mean, "image_std": std}, {"do_normalize": False}):
        file.write_text(json.dumps(said), encoding="utf-8")
        found.add(read(str(tmp_path)).fingerprint)
    assert len(found) == 4

    texts = tmp_path / "texts"
    small_bert(texts)
    before = read(str(texts)).fingerprint
    tokeniser = json.loads((texts / "tokenizer.json").read_text(encoding="utf-8"))
    vocabulary = tokeniser["model"]["vocab"]
    vocabulary["good"], vocabulary["bad"] = vocabulary["bad"], vocabulary["good"]
    (texts / "tokenizer.json").write_text(json.dumps(tokeniser), encoding="utf-8")
    assert read(str(texts)).fingerprint != before


@needs_transformers
def test_who_guesses_how_items_are_prepared_says_so(tmp_path):
    small_vit().save_pretrained(tmp_path)
    own = read(str(tmp_path))
    assert own.doubt == (
        f"{tmp_path} holds no preprocessor_config.json, so its items are prepared as is usual: "
        "mean [0.5, 0.5, 0.5], std [0.5, 0.5, 0.5], side 32"
    )
    said = {"image_mean": [0.5] * 3, "image_std": [0.5] * 3}
    (tmp_path / "processor_config.json").write_text(json.dumps({"image_processor": said}), encoding="utf-8")
    assert read(str(tmp_path)).doubt == ""
    assert read(str(tmp_path)).fingerprint == own.fingerprint


@needs_transformers
def test_a_folder_without_weights_is_refused_with_a_sentence(tmp_path):
    (tmp_path / "config.json").write_text(json.dumps({"model_type": "bert"}), encoding="utf-8")
    with pytest.raises(DataError, match="transformers cannot load"):
        read(str(tmp_path))


def test_a_folder_that_is_nobodys_is_refused(tmp_path):
    with pytest.raises(DataError, match=r"holds no readable config\.json"):
        read(str(tmp_path))
    (tmp_path / "config.json").write_text("{}", encoding="utf-8")
    with pytest.raises(DataError, match="neither an architecture"):
        read(str(tmp_path))
    (tmp_path / "config.json").write_text('{"architecture": "resnet10t"}', encoding="utf-8")
    with pytest.raises(DataError, match="holds no weights"):
        read(str(tmp_path))


def test_a_name_that_says_too_little_is_answered_with_what_is_expected(tmp_path):
    (tmp_path / "w.pt").write_bytes(b"")
    with pytest.raises(UsageError, match="name it, for example: timm:resnet18@"):
        read(str(tmp_path / "w.pt"))
    with pytest.raises(UsageError, match=r'no pretrained weights "\./nothing"; expected a folder'):
        read("./nothing")
    with pytest.raises(UsageError, match='there is no pretrained encoder "nothing"'):
        pretrained.named("nothing")
    for name in ("timm", "timm:", "transformers:"):
        with pytest.raises(UsageError, match="names no weights; expected a folder"):
            pretrained.named(name)
    with pytest.raises(UsageError, match="is not a file of weights"):
        read(f"timm:resnet18@{tmp_path / 'none.pt'}")
    assert _own.named("minilm") is None
    assert _own.named("mine/encoder.py") is None
    assert _own.named("package.module:Encoder") is None


@pytest.mark.parametrize(
    ("name", "line"), [("timm:resnet18", _timm.INSTALL), ("transformers:bert", _transformers.INSTALL)]
)
def test_a_library_that_is_not_installed_is_named_with_its_line(name, line, monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    monkeypatch.delitem(sys.modules, "timm", raising=False)
    with pytest.raises(MissingExtra, match="install it with") as caught:
        read(name)
    assert line in str(caught.value)


@needs_timm
def test_a_named_encoder_says_all_of_its_weights_in_its_settings(tmp_path):
    file = small_timm(tmp_path / "w.safetensors", seed=1)
    found = pretrained.named(f"timm:resnet10t@{file}").settings
    assert (found["weights"], found["features"], found["side"]) == (f"resnet10t@{file}", 512, 176)
    assert len(found["fingerprint"]) == 12
    encoder = plugins.load("pretrained", "timm")
    assert encoder.shape(encoder.Settings(**found)) == encoder.shape(encoder.Settings(found["weights"])) == (512,)
    assert encoder.decode(encoder.Settings(**found)) == {"side": 176, "channels": 3, "fit": "crop"}


@needs_timm
def test_other_weights_of_the_same_name_are_refused(tmp_path):
    file = small_timm(tmp_path / "w.safetensors", seed=1)
    found = pretrained.named(f"timm:resnet10t@{file}").settings
    encoder = plugins.load("pretrained", "timm")
    expected = encoder.load(encoder.Settings(**found))(pictures(1))
    np.testing.assert_array_equal(expected, encoder.load(encoder.Settings(found["weights"]))(pictures(1)))
    small_timm(file, seed=2)
    with pytest.raises(DataError, match="holds other weights than the recipe's"):
        encoder.load(encoder.Settings(**found))
    file.unlink()
    with pytest.raises(DataError, match=r"w\.safetensors are not there any more; put them back"):
        encoder.load(encoder.Settings(**found))


def small_timm(file, seed):
    """A small network of timm with random weights, saved."""
    torch.manual_seed(seed)
    save_file(_timm._imported().create_model("resnet10t", num_classes=2).state_dict(), file)
    return file


def test_a_fingerprint_is_of_names_kinds_shapes_and_values():
    weights = {"a": torch.arange(6.0).view(2, 3), "b": torch.tensor(3), "c": torch.ones(2, dtype=torch.bfloat16)}
    found = _own.fingerprint_of(weights)
    assert found == _own.fingerprint_of(dict(reversed(weights.items())))
    assert found == _own.fingerprint_of({**weights, "a": weights["a"].T.contiguous().T})
    for changed in (
        {"a": weights["a"].view(3, 2)},
        {"b": torch.tensor(4)},
        {"c": weights["c"].float()},
        {"d": weights["b"]},
    ):
        assert _own.fingerprint_of({**weights, **changed}) != found

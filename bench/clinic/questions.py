"""Faults that people asked about, made anew from the facts that they told; no code of theirs is here.

Each stands at the address where it was asked. What must be found is told from the answer that settled the question.
"""

from __future__ import annotations

from collections.abc import Mapping

from clinic import spoil
from clinic.faults import FAULTS, Fault, leaping
from clinic.networks import Plan

_PICTURES = ("digits", "mnist", "cifar", "fashion", "cifar_pets", "cifar_outdoors", "cells")
_GITHUB = "https://github.com"

QUESTIONS: Mapping[str, Fault] = {
    # A recurrent network for actions ended in a softmax, and its loss took logits; without it, it learned faster.
    "asked: softmax before cross-entropy": Fault(
        "network",
        "wrong_output",
        ("miscalibrated", "beaten_by_simple"),
        plan=lambda _: Plan(width=128, last="softmax"),
        gives="logits",
        tasks=("classify",),
        asked=f"{_GITHUB}/doronharitan/human_activity_recognition_LRCN/issues/4",
    ),
    # A library's example put a softmax on the last layer and a loss of logits behind it.
    "asked: softmax in the layer and in the loss": Fault(
        "network",
        "wrong_output",
        ("not_learning", "beaten_by_simple"),
        plan=lambda _: Plan(last="two softmaxes"),
        gives="logits",
        tasks=("classify",),
        asked=f"{_GITHUB}/tflearn/tflearn/pull/562",
    ),
    # A text classifier with a softmax too many: the loss fell slowly, and rare classes were not answered.
    "asked: softmax on few unbalanced texts": Fault(
        "network",
        "wrong_output",
        ("miscalibrated", "imbalance"),
        (0.3,),
        (0.4,),
        plan=lambda _: Plan(last="softmax"),
        gives="logits",
        sample=spoil.rare,
        modalities=("text",),
        tasks=("classify",),
        asked=f"{_GITHUB}/illiterate/BertClassifier/issues/2",
    ),
    # A tutorial's dense network on pictures of clothes, without the division by 255: 10 % instead of 85 %.
    "asked: pixels from 0 to 255": Fault(
        "network",
        "unscaled_input",
        ("not_learning", "beaten_by_simple"),
        plan=lambda _: Plan(width=128, depth=1),
        preprocess="raw",
        recipe=lambda *_: {"optimiser": "sgd", "optimiser.rate": 0.01},
        only=_PICTURES,
        asked="https://stats.stackexchange.com/questions/372762/why-normalize-when-all-features-are-on-the-same-scale",
    ),
    # Does a network learn nothing where a ReLU stands at its end and gives 0?
    "asked: ReLU behind the last layer": Fault(
        "network",
        "wrong_output",
        ("dead_units", "beaten_by_simple"),
        plan=lambda _: Plan(width=32, last="relu"),
        asked="https://ai.stackexchange.com/questions/20686/does-net-with-relu-not-learn-when-output-0",
    ),
    # The exercise with all weights zero: predictions never leave the constant answer.
    "asked: zero weights": Fault(
        "network",
        "not_learning",
        ("dead_units", "beaten_by_simple"),
        plan=lambda _: Plan(scale=0.0, depth=3),
        modalities=("image", "sound", "table"),
        asked="https://community.deeplearning.ai/t/week-1-programming-assignment-initialization-exercise-1-initialize-"
        "parameters-zeros/121049",
    ),
    # Rows sorted by class; the last tenth validated, which held one class only.
    "asked: the last rows of sorted data validate": Fault(
        "data",
        "drift",
        ("missed_class", "tiny_classes"),
        (0.9,),
        (0.85,),
        sample=spoil.sorted_away,
        tasks=("classify",),
        asked="https://rocuku.github.io/keras-validation-split-shuffle",
    ),
    # Two classes in folders, not shuffled: in its first epochs the network knew the negative class alone.
    "asked: batches of one class": Fault(
        "recipe",
        "oscillating",
        ("not_learning", "beaten_by_simple"),
        plan=lambda _: Plan(),
        is_shuffled=False,
        tasks=("classify",),
        asked=f"{_GITHUB}/NVIDIA/DIGITS/issues/29",
    ),
    # Loss and accuracy stood still until the rate of stochastic gradient descent was raised from 0.00001.
    "asked: a rate of 0.00001": Fault(
        "recipe",
        "crawling",
        ("not_learning", "beaten_by_simple"),
        plan=lambda _: Plan(),
        recipe=lambda *_: {"optimiser": "sgd", "optimiser.rate": 1e-5},
        asked="https://chenzhang.org/notes/developer/loss-and-accuracy-get-stuck-in-keras/",
    ),
    # Weights that rose to infinity with gradient descent, until the rate was a tenth.
    "asked: weights that skyrocket": Fault(
        "recipe",
        "diverged",
        ("exploding_gradient", "not_learning"),
        plan=lambda _: Plan(depth=3),
        recipe=lambda *_: {"optimiser": "sgd", "optimiser.rate": 300.0, "schedule": "constant"},
        asked="https://datascience.stackexchange.com/questions/15962/why-is-learning-rate-causing-my-neural-networks-"
        "weights-to-skyrocket",
    ),
    # Two spirals told apart with the squared error: the loss stuck at a quarter.
    "asked: squared error for two classes": Fault(
        "recipe",
        "wrong_loss",
        ("not_learning", "beaten_by_simple"),
        plan=lambda _: Plan(width=100, depth=4),
        recipe=lambda *_: {"task.loss": "mean_squared_error"},
        only=("cancer", "sst2", "hotels_zh", "churn", "tweets", "spirals"),
        asked=f"{_GITHUB}/jax-ml/jax/issues/2697",
    ),
    # A library's classifier of time series was trained with the squared error.
    "asked: squared error for series": Fault(
        "recipe",
        "wrong_loss",
        ("miscalibrated", "beaten_by_simple"),
        modalities=("sound",),
        recipe=lambda *_: {"task.loss": "mean_squared_error"},
        tasks=("classify",),
        asked=f"{_GITHUB}/sktime/sktime-dl/issues/73",
    ),
    # Items and labels were shuffled apart.
    "asked: items and labels shuffled apart": Fault(
        "labels",
        "not_learning",
        ("overfit", "miscalibrated"),
        (1.0,),
        (1.0,),
        sample=spoil.unpaired,
        asked=f"{_GITHUB}/mlcommons/GaNDLF/pull/870",
    ),
    # Batches held some pictures with the label of another one.
    "asked: some labels of other items": Fault(
        "labels",
        "label_errors",
        ("overfit", "miscalibrated"),
        (0.3,),
        (0.25,),
        sample=spoil.unpaired,
        tasks=("classify",),
        asked=f"{_GITHUB}/tensorflow/tensorflow/issues/21033",
    ),
    # Pictures in the wrong folder of a published data set.
    "asked: pictures in the wrong folder": Fault(
        "labels",
        "label_errors",
        ("overfit", "miscalibrated"),
        (0.05,),
        (0.08,),
        sample=spoil.flipped,
        modalities=("image",),
        asked=f"{_GITHUB}/coeff-giving/unrestricted-adversarial-examples/issues/47",
    ),
    # The layers to be frozen learned, and those to be learned were frozen.
    "asked: the wrong layers frozen": Fault(
        "network",
        "underfit",
        ("small_model", "beaten_by_simple"),
        plan=lambda _: Plan(width=24, depth=4, frozen=4),
        modalities=("image", "sound", "table"),
        asked=f"{_GITHUB}/wannabeOG/MAS-PyTorch/issues/1",
    ),
    # Two generators prepared pictures in two ways: validation stayed at chance.
    "asked: two ways of preparing": Fault(
        "data",
        "drift",
        ("miscalibrated", "overfit"),
        (1.0,),
        (0.9,),
        sample=spoil.other_kind,
        modalities=("image",),
        asked=f"{_GITHUB}/keras-team/keras/issues/12689",
    ),
    # Training items were normalised, the others were not.
    "asked: only training items normalised": Fault(
        "data",
        "drift",
        ("miscalibrated", "overfit"),
        (0.8,),
        (1.0,),
        sample=spoil.other_kind,
        modalities=("table", "sound"),
        asked=f"{_GITHUB}/JeasunLok/ResNet-pytorch/issues/1",
    ),
    # 88 % of the rows are of one class; the network answers with it every time.
    "asked: everything is negative": Fault(
        "data",
        "imbalance",
        ("missed_class", "not_learning"),
        (0.1,),
        (0.08,),
        plan=lambda _: Plan(width=8, depth=3),
        sample=spoil.rare,
        modalities=("table",),
        tasks=("classify",),
        asked="https://datascience.stackexchange.com/questions/19283/why-mlp-only-learns-bias-for-unbalanced-binary-"
        "classification",
    ),
    # A large step left units below zero for every item, for good.
    "asked: dying ReLU": Fault(
        "recipe",
        "dead_units",
        ("not_learning", "oscillating"),
        (0.3, 1.0),
        (0.5,),
        plan=lambda _: Plan(depth=3),
        recipe=lambda _, strength: {"optimiser.rate": strength, "schedule": "constant"},
        asked="https://www.queryfor.com/what-is-the-dying-relu-problem-in-neural-networks/",
    ),
    # The published speech network of the article, which reads one number at a time and stays at chance.
    "asked: the published speech example": Fault(
        "network",
        "not_learning",
        ("vanishing_gradient", "beaten_by_simple"),
        modalities=("sound",),
        recipe=lambda *_: {
            "model": "speech_example",
            "model.reads": "values",
            "training.steps": 20,
            "training.evaluations": 5,
            "optimiser": "adamw",
            "optimiser.rate": 1e-3,
            "augment": [],
        },
        asked="docs/article.md",
    ),
    # A checklist of what people do wrong: "you used a too large batch size".
    "asked: too large a batch": Fault(
        "recipe",
        "large_batch",
        ("stopped_early", "beaten_by_simple"),
        plan=lambda _: Plan(),
        recipe=lambda *_: {"training.batch_size": 0, "training.steps": 20},
        asked="http://theorangeduck.com/page/neural-network-not-working",
    ),
    # The same checklist: "you used a network that was too deep".
    "asked: too deep a network": Fault(
        "network",
        "vanishing_gradient",
        ("not_learning", "beaten_by_simple"),
        (15.0,),
        (18.0,),
        is_count=True,
        plan=lambda strength: Plan(width=32, depth=int(strength), activation="tanh", scale=0.5),
        asked="http://theorangeduck.com/page/neural-network-not-working",
    ),
    # The same checklist: "you forgot to use any regularization".
    "asked: no regularisation": Fault(
        "recipe",
        "overfit",
        ("trained_long", "miscalibrated"),
        (1.0,),
        (1.5,),
        plan=lambda _: Plan(width=256),
        recipe=lambda _, strength: {
            "training.steps": round(500 * strength),
            "optimiser.weight_decay": 0.0,
            "schedule": "constant",
        },
        sample=lambda sample, _, draw: spoil.few(sample, 100, draw),
        asked="http://theorangeduck.com/page/neural-network-not-working",
    ),
    # The same checklist: "you used an incorrect learning rate".
    "asked: an incorrect rate": Fault(
        "recipe",
        "oscillating",
        ("underfit", "beaten_by_simple"),
        (50.0,),
        (80.0,),
        recipe=leaping,
        asked="http://theorangeduck.com/page/neural-network-not-working",
    ),
}

EVERY: Mapping[str, Fault] = {**FAULTS, **QUESTIONS}

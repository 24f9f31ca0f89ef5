# %% [markdown]
# # 酒店评论的情感: sentiment of Chinese texts
#
# Hotel reviews where the shared data lie beside the repository; elsewhere a toy corpus that this script makes from
# lists of words: it shows how a text goes in, not how good a network is. The script says which was used. Chinese has
# no spaces, and none are needed: texts are read by characters. The table is written in GB18030, as Excel does on a
# Chinese computer, below a Chinese name. `--quick` is for the tests.

# %%
import argparse
import shutil
from pathlib import Path

import numpy as np
import pandas as pd

import penjing as pj

# %%
arguments = argparse.ArgumentParser()
arguments.add_argument("--quick", action="store_true", help="a shorter training, for the tests")
arguments.add_argument("--folder", type=Path, default=Path(".chinese_text"))
asked = arguments.parse_args()
REVIEWS = Path(__file__).parents[2] / "shared" / "data" / "text" / "hotel_reviews_zh.csv.gz"


# %% One review in ten of the toy corpus bears the wrong label, so nobody can be right about all of them
def toy_corpus(reviews: int = 1200) -> pd.DataFrame:
    draw = np.random.default_rng(0)
    words = {
        "好评": ["干净", "舒适", "热情", "方便", "安静", "漂亮"],
        "差评": ["脏乱", "陈旧", "冷淡", "吵闹", "潮湿", "失望"],
    }
    things = ["房间", "服务", "早餐", "位置", "前台", "大堂", "浴室", "电梯"]
    rows = []
    for _ in range(reviews):
        label, other = draw.permutation(list(words))
        first, second = draw.choice(words[label], 2)
        a, b, c = draw.choice(things, 3, replace=False)
        clause = f"虽然{c}有点{draw.choice(words[other])}，但是" if draw.random() < 0.5 else f"除了{c}，"
        rows.append((f"{clause}{a}很{first}，{b}也{second}。", other if draw.random() < 0.1 else label))
    return pd.DataFrame(rows, columns=["评论", "标签"])


# %% Columns may have Chinese names; 标签 is known to be the label
shutil.rmtree(asked.folder, ignore_errors=True)
asked.folder.mkdir(parents=True)
pj.tune_process()
if REVIEWS.is_file():
    reviews = (
        pd.read_csv(REVIEWS)
        .query("split == 'train'")[["text", "label"]]
        .rename(columns={"text": "评论", "label": "标签"})
    )
    reviews["标签"] = reviews["标签"].map({"pos": "好评", "neg": "差评"})
    reviews = reviews[reviews["评论"].str.len() <= 60].head(1600) if asked.quick else reviews
else:
    reviews = toy_corpus()
print(f"{len(reviews)} reviews:", "of hotels" if REVIEWS.is_file() else "a toy corpus made of lists of words")
table = asked.folder / "酒店评论.csv"
reviews.to_csv(table, index=False, encoding="gb18030")

# %% Train within the deadline; validation chooses
run = pj.fit(table, time="15s" if asked.quick else "40s", out=asked.folder / "run")
print(run)

# %% Open the sealed test part: this is counted and written down
print(pj.test(run))

# %% What about these?
for item in pj.predict(run, ["房间很干净，服务也热情。", "电梯吵闹，浴室又脏乱。", "位置在市中心。"]):
    print(item)

# %% One offline HTML file
print("report:", pj.report(run))

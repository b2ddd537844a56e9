"""Groups of vectors that belong together; how many there are comes out by itself.

Neighbour smoothing first: it pulls groups apart. Then groups join by mean linkage, which bears what
real traffic has, groups of very unequal size. Among hundreds of rows two groups are one where a row
of the one is half as like a row of the other as rows are within: what is alike there differs too
much from set to set for a fixed bound, which finds 21 groups for 11. Among some thousand rows the
bound is fixed. Where rows are copies of few wordings (a button, a template, one story told again)
each wording counts once: else a row's neighbours are all its copies, and each wording would be an
intent of its own. Where the groups come out about equal in size, Ward's at the same number take
their place; in still more rows Ward's alone, at the number of Louvain's communities in the graph
of shared neighbours.

Chosen on 158 beds of 50 to 1,000 rows with 4 to 25 intents, even and uneven (parts of BANKING77's
train split and of DSTC11, conversations; two embeddings): the mean of ACC, NMI and ARI is .014
above k-means that is told k (one fixed bound of .48: .007 below). On 60 earlier beds, it is .022
above under 1,100 rows and .049 up to 2,500. Whole sets: bench/results/intents.md. What it costs:
where the first groups are broad, a new wish beside one of them stays in it until
`bot/intents/emerging.py` sees that it came lately. Likeness by that of strangers, so that it means
the same for each embedding, is worth .002 more at its best: nothing.

How many intents there are is known within a third, at best: silhouette, the stability of halves,
Louvain's communities, the spread of the vectors and a regression on all of them miss the logarithm
of the number by .33 to .45 and more, this by .36.
Consensus of resamples and of seven partitions, merging what held-back rows confuse, and k-means
started from the groups (-.001 to -.004) were no better or worse. Few wordings as one row each: on
178 real beds under 600 rows .022 above k-means that is told k instead of .012; on 25 simulated
ones, of 3 to 7 wordings of each intent that are sent again with another object or ending, .026
above instead of .046 below (MiniLM: .061 above instead of .038 below), with 1.5 times the intents
instead of twice (1.1 instead of 1.6). Among more wordings it loses.

What limits it on dstc11_banking: with the default vectors told k-means itself varies from .64 to
.78 (ACC of 15 seeds), and groups that hold two intents nearly half and half cost a fifth of the
rows. MiniLM would tell them apart (Ward's on these smoothed rows, told 18: .93 / .94 / .86), but
15 groups are found: five pairs of intents are more than half as alike as each is within.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import networkx as nx
import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray
from scipy.cluster.hierarchy import average, fcluster, ward
from scipy.spatial.distance import squareform
from sklearn.cluster import AgglomerativeClustering
from sklearn.decomposition import PCA
from sklearn.neighbors import NearestNeighbors
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from bot.intents.embedding import Matrix, normalise

FEW = 30
"""Different rows under which there is no graph to speak of."""
MANY = 2_500
"""Different rows from which Ward's groups are taken."""
LINKED_NEIGHBOURS = 6
LINKED_FROM = 0.44
"""Mean cosine of the smoothed rows of two groups from which they are one."""
SOME = 600
"""Different rows from which that bound is better than `AS_WITHIN`."""
PIECES_FROM = 0.55
"""Among fewer rows: mean cosine from which groups are pieces that surely are one."""
AS_WITHIN = 0.5
"""Likeness of two pieces, by the likeness of the rows within each, from which they are one."""
EVEN_FROM = 150
"""Different rows from which sizes say whether intents are about equally frequent."""
EVEN_UNDER = 0.45
"""Deviation of the groups' sizes, by their mean, under which Ward's groups are as good or better.
Ward's are drawn to equal sizes: of uneven ones they cut the large and join the small."""
SAME_WORDING = 0.85
"""Mean cosine of centred rows from which they are one wording."""
FEW_WORDINGS = 200
"""Different wordings, from `FEW`, under which each counts once."""
WORDINGS_AS_WITHIN = 0.45
"""`AS_WITHIN` of wordings: without their copies, groups are less alike within."""
LEAST_WITHIN = 0.02
"""The least that counts as likeness within: beside strangers everything would be alike."""
CRUMB = 6
"""Rows under which a group by mean linkage goes to the one that it is most alike."""
COMPARED_DIMENSIONS = 128
"""Principal components that are compared: as good as all, and a sixth of the work."""
NEIGHBOURS = 10
COUNTS = 5
"""Louvain runs, each with its own order of nodes; the number of groups is their median."""
SMOOTHING_ROUNDS = 2
SHARED_AT_LEAST = 1 / 15
"""Jaccard similarity of two neighbour lists under which they are not linked."""
JOIN_FROM = 0.6
"""Cosine of two means from which a crumb joins. Means of real groups of one agent have .7 to .8 to
their nearest where whole conversations are compared, .5 to .8 where single questions are."""


def find_clusters(vectors: Matrix, *, seed: int) -> NDArray[np.int64]:
    """The cluster of each row, numbered from 0, the largest first.

    Equal rows are one node: else what a button sends a hundred times would be all its neighbours
    and every wording an intent of its own.
    """
    if len(vectors) < 2:
        return np.zeros(len(vectors), dtype=np.int64)
    different, node = np.unique(vectors.round(5), axis=0, return_inverse=True)
    with threadpool_limits(limits=1):  # a second thread mostly waits, at the cost of the other core
        of_node = _groups(different, seed=seed)
    found = [np.flatnonzero(of_node[node] == number) for number in np.unique(of_node)]
    clusters = np.zeros(len(vectors), dtype=np.int64)
    for number, rows in enumerate(sorted(found, key=lambda rows: (-len(rows), rows[0]))):
        clusters[rows] = number
    return clusters


def _groups(vectors: Matrix, *, seed: int) -> NDArray[np.int64]:
    """`vectors` differ from each other."""
    if len(vectors) < FEW:
        return _by_likeness(vectors)
    rows = centred(vectors, seed=seed)
    wordings = _linked(rows, SAME_WORDING)
    if FEW <= wordings.max() < FEW_WORDINGS:  # fewer have other wishes for neighbours
        return _by_wordings(rows, wordings)
    if len(rows) < MANY:
        return _by_mean_linkage(rows)
    return _by_ward(rows, seed=seed)


def _by_wordings(vectors: Matrix, wordings: NDArray[np.int64]) -> NDArray[np.int64]:
    """Groups of rows, by the means of their `wordings` (numbers from 0)."""
    copies = np.bincount(wordings)
    means = np.zeros((len(copies), vectors.shape[1]), dtype=np.float32)
    np.add.at(means, wordings, vectors)
    means = normalise(means)
    means = smooth(means, min(linked_neighbours_for(len(vectors)), max(3, len(means) // 8)))
    groups = _joined_as_within(means, _linked(means, PIECES_FROM), WORDINGS_AS_WITHIN)
    of_row = _without_crumbs(means, groups, copies)[wordings]
    return _evened(means[wordings], of_row)


def _by_mean_linkage(vectors: Matrix) -> NDArray[np.int64]:
    """On raw rows mean linkage is the worst of all (BANKING77: ARI .25); on smoothed ones it is
    the best for groups of unequal size."""
    smoothed = smooth(vectors, linked_neighbours_for(len(vectors)))
    if len(vectors) < SOME:
        groups = _joined_as_within(smoothed, _linked(smoothed, PIECES_FROM), AS_WITHIN)
    else:
        groups = _linked(smoothed, LINKED_FROM)
    return _evened(smoothed, _without_crumbs(smoothed, groups))


def _linked(vectors: Matrix, likeness: float) -> NDArray[np.int64]:
    """Groups by mean linkage, numbered from 0, down to a mean cosine of two."""
    distances = np.clip(1 - vectors @ vectors.T, 0, 2)
    np.fill_diagonal(distances, 0)
    tree = average(squareform(distances, checks=False))
    return np.unique(fcluster(tree, 1 - likeness, "distance"), return_inverse=True)[1]


def _evened(vectors: Matrix, groups: NDArray[np.int64]) -> NDArray[np.int64]:
    """Ward's groups, as many, where `groups` are enough to see that they are about even."""
    sizes = np.unique(groups, return_counts=True)[1]
    if len(vectors) < EVEN_FROM or sizes.std() >= EVEN_UNDER * sizes.mean():
        return groups
    even: NDArray[np.int64] = fcluster(ward(vectors), len(sizes), "maxclust")
    return even


def _joined_as_within(
    vectors: Matrix, groups: NDArray[np.int64], as_within: float
) -> NDArray[np.int64]:
    """The most alike two join, again and again, while they are so alike, by what each is within.

    Within: the mean cosine of two different rows, so that small groups do not seem tighter.
    """
    groups = np.unique(groups, return_inverse=True)[1]
    while (count := int(groups.max()) + 1) > 1:
        sizes = np.bincount(groups)
        likeness = mean_likeness(vectors, groups, count)
        pairs = np.maximum(sizes * (sizes - 1), 1)
        within = (np.diag(likeness) * sizes**2 - sizes) / pairs
        within = np.where(sizes > 1, np.maximum(within, LEAST_WITHIN), 1)
        relative = likeness / np.sqrt(np.outer(within, within))
        np.fill_diagonal(relative, -np.inf)
        one, other = np.unravel_index(relative.argmax(), relative.shape)
        if relative[one, other] < as_within:
            break
        groups = np.unique(np.where(groups == one, other, groups), return_inverse=True)[1]
    return groups


def _without_crumbs(
    vectors: Matrix, groups: NDArray[np.int64], copies: NDArray[np.int64] | None = None
) -> NDArray[np.int64]:
    """What lies between the groups is mostly an odd wording of one of them.

    `copies` of each row count, where a row stands for several.
    """
    groups = np.unique(groups, return_inverse=True)[1]
    sizes = np.bincount(groups, weights=copies)
    large = np.flatnonzero(sizes >= CRUMB)
    if not len(large):
        return groups
    likeness = mean_likeness(vectors, groups, len(sizes))[:, large]
    joined = large[likeness.argmax(axis=1)]
    joined[large] = large
    found: NDArray[np.int64] = joined[groups]
    return found


def mean_likeness(vectors: Matrix, groups: NDArray[np.int64], count: int) -> NDArray[np.float64]:
    """Groups x groups: mean cosine of a row of one with a row of the other."""
    sizes = np.maximum(np.bincount(groups, minlength=count), 1)
    sums = np.zeros((count, vectors.shape[1]))
    np.add.at(sums, groups, vectors)
    means: NDArray[np.float64] = sums / sizes[:, None]
    return means @ means.T


def linked_neighbours_for(rows: int) -> int:
    """6, and fewer where there are under sixty rows: 3 at least."""
    return min(LINKED_NEIGHBOURS, neighbours_for(rows))


def _by_ward(vectors: Matrix, *, seed: int) -> NDArray[np.int64]:
    k = neighbours_for(len(vectors))
    smoothed = smooth(vectors, k)
    graph = nx.from_scipy_sparse_array(_shared_neighbours(smoothed, k))
    counts = [
        len(nx.community.louvain_communities(graph, seed=seed + run)) for run in range(COUNTS)
    ]
    cut: NDArray[np.int64] = fcluster(ward(smoothed), int(np.median(counts)), "maxclust")
    return cut


def centred(vectors: Matrix, *, seed: int) -> Matrix:
    """Without what all rows share ("card", "flight": what this agent is about), then length 1."""
    dimensions = min(COMPARED_DIMENSIONS, *vectors.shape)
    return normalise(PCA(dimensions, random_state=seed).fit_transform(vectors))


def _by_likeness(vectors: Matrix) -> NDArray[np.int64]:
    """Average linkage up to the likeness from which crumbs join; a graph of a few nodes is mush."""
    if len(vectors) == 1:
        return np.zeros(1, dtype=np.int64)
    distances = np.clip(1 - vectors @ vectors.T, 0, 2)
    linkage = AgglomerativeClustering(
        n_clusters=None, metric="precomputed", linkage="average", distance_threshold=1 - JOIN_FROM
    )
    labels: NDArray[np.int64] = linkage.fit_predict(distances)
    return labels


def shares_of_neighbours(vectors: Matrix, groups: NDArray[np.int64]) -> NDArray[np.float64]:
    """0..1 of each row: how probably it is in its group, by how many of its nearest are in it too.

    By the rule of succession, so that nothing is certain. A classifier says 1.00 of what it learned
    from, and .95 of what was held back, since it draws the lines that the groups drew; of real rows
    .75 to .9 are in the right group, and this says .76 to .87 (DSTC11; conversations .7 to .8).
    """
    k = min(neighbours_for(len(vectors)), len(vectors) - 1)
    if k < 1:
        return np.full(len(vectors), 0.5)
    same = groups[_nearest(vectors, k)] == groups[:, None]
    shares: NDArray[np.float64] = (same.sum(axis=1) + 1) / (k + 2)
    return shares


def join_small(
    vectors: Matrix,
    clusters: Sequence[NDArray[np.int64]],
    is_large: Callable[[NDArray[np.int64]], bool],
) -> list[NDArray[np.int64]]:
    """Clusters of rows that `is_large` accepts, the largest first.

    The smallest of the others joins the cluster with the nearest mean, again and again; one that
    nothing is near to is left out. In small corpora this makes few broad groups out of crumbs.
    """
    left = [*clusters]
    while small := [rows for rows in left if not is_large(rows)]:
        joining = min(small, key=len)
        left = [rows for rows in left if rows is not joining]
        if not left:
            break
        means = normalise(np.array([vectors[rows].mean(axis=0) for rows in [joining, *left]]))
        likeness = means[1:] @ means[0]
        if likeness.max() >= JOIN_FROM:
            nearest = int(likeness.argmax())
            left[nearest] = np.sort(np.concatenate([left[nearest], joining]))
    return sorted(left, key=len, reverse=True)


def neighbours_for(rows: int) -> int:
    """10, and fewer where there are under a hundred rows: 3 at least."""
    return min(NEIGHBOURS, max(3, rows // 10))


def smooth(vectors: Matrix, k: int) -> Matrix:
    """Move each row towards the mean of its k nearest, twice: 3 to 6 points of accuracy."""
    for _ in range(SMOOTHING_ROUNDS):
        vectors = normalise(vectors + vectors[_nearest(vectors, k)].mean(axis=1))
    return vectors


def _nearest(vectors: Matrix, k: int) -> NDArray[np.int64]:
    """The k nearest rows of each row, itself left out; by cosine, since rows have length 1."""
    search = NearestNeighbors(n_neighbors=k, algorithm="brute").fit(vectors)
    found: NDArray[np.int64] = search.kneighbors(return_distance=False)
    return found


def _shared_neighbours(vectors: Matrix, k: int) -> sp.csr_matrix:
    """Rows x rows: Jaccard similarity of the two lists of k nearest."""
    n = len(vectors)
    rows, columns = np.repeat(np.arange(n), k), _nearest(vectors, k).ravel()
    nearest = sp.csr_matrix((np.ones(n * k), (rows, columns)), shape=(n, n))
    shared = (nearest @ nearest.T).tocsr()
    shared.setdiag(0)
    shared.data = shared.data / (2 * k - shared.data)
    shared.data[shared.data < SHARED_AT_LEAST] = 0
    shared.eliminate_zeros()
    return shared

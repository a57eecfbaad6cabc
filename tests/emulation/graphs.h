/* SPDX-License-Identifier: Apache-2.0 */
/** Graphs of the emulated device: nodes in the order of their capture, each after others. */
#ifndef CNN_TESTS_EMULATION_GRAPHS_H
#define CNN_TESTS_EMULATION_GRAPHS_H

#include "emulation/state.h"

#include <map>
#include <set>
#include <vector>

struct CUgraphEdge_st {
    unsigned char from_port, type;
};

struct CUgraphNode_st {
    cudaGraphNodeType type;
    emulated::Work work;
    emulated::Footprint footprint;
    std::map<size_t, CUgraphEdge_st> after; /* by indices of nodes */
    bool branch;                            /* captured in a stream that joined */
};

struct CUgraph_st {
    std::vector<CUgraphNode_st *> nodes; /* owned */
    bool invalid = false;
    cudaStreamCaptureMode mode = cudaStreamCaptureModeGlobal;
    CUgraph_st() = default;
    ~CUgraph_st();
    CUgraph_st(const CUgraph_st &) = delete;
    CUgraph_st &operator=(const CUgraph_st &) = delete;
};

namespace emulated
{

/** As cudaGraphDependencyTypeProgrammatic and the ports of a kernel's node, which headers before
 *  CUDA 12.3 lack: its blocks have ended, or begun. */
enum : unsigned char { PROGRAMMATIC = 1, PORT_ENDING = 1, PORT_BEGUN = 2 };

/** Whether every node is one of these or comes before one of them. */
bool all_lead_to(const CUgraph_st *graph, const std::set<size_t> &ends);

} // namespace emulated

#endif

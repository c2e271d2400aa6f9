// The two macros with which plain functions pass errors on. Coroutines use the ones in
// libs/async/status_macros.h.
#pragma once

#include "absl/status/status.h"
#include "absl/status/statusor.h"

#define PENSTOCK_CONCAT_INNER_(a, b) a##b
#define PENSTOCK_CONCAT_(a, b) PENSTOCK_CONCAT_INNER_(a, b)

// PENSTOCK_RETURN_IF_ERROR(Store(key)): returns the status of `expression` unless it is OK.
#define PENSTOCK_RETURN_IF_ERROR(expression)                                    \
  do {                                                                          \
    if (::absl::Status penstock_status_ = (expression); !penstock_status_.ok()) \
      return penstock_status_;                                                  \
  } while (false)

// PENSTOCK_ASSIGN_OR_RETURN(auto turn, Load(key)): assigns the value, or returns the status.
#define PENSTOCK_ASSIGN_OR_RETURN(lhs, expression) \
  PENSTOCK_ASSIGN_OR_RETURN_(PENSTOCK_CONCAT_(penstock_result_, __LINE__), lhs, expression)
#define PENSTOCK_ASSIGN_OR_RETURN_(result, lhs, expression) \
  auto result = (expression);                               \
  if (!result.ok()) return std::move(result).status();      \
  lhs = *std::move(result)

// PENSTOCK_RETURN_IF_ERROR and PENSTOCK_ASSIGN_OR_RETURN for coroutines: they co_return.
#pragma once

#include "libs/base/status_macros.h"

#define PENSTOCK_CO_RETURN_IF_ERROR(expression)                                 \
  do {                                                                          \
    if (::absl::Status penstock_status_ = (expression); !penstock_status_.ok()) \
      co_return penstock_status_;                                               \
  } while (false)

#define PENSTOCK_CO_ASSIGN_OR_RETURN(lhs, expression) \
  PENSTOCK_CO_ASSIGN_OR_RETURN_(PENSTOCK_CONCAT_(penstock_result_, __LINE__), lhs, expression)
#define PENSTOCK_CO_ASSIGN_OR_RETURN_(result, lhs, expression) \
  auto result = (expression);                                  \
  if (!result.ok()) co_return std::move(result).status();      \
  lhs = *std::move(result)

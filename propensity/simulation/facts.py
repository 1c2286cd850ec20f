"""Rounded shares of the public cross-sell table that the simulated book follows.

These are summary figures only (486,646 policyholders, shares rounded), never rows of the table.
Source of the table: Kaggle, Health Insurance Cross-Sell (JanataHack 2020).
"""

from typing import Final

GENDERS: Final = ("Female", "Male")
VEHICLE_AGES: Final = ("< 1 Year", "1-2 Year", "> 2 Years")
DAMAGES: Final = ("No", "Yes")

FIRST_AGE: Final = 20  # years
# Policyholders per 10,000 at ages 20, 21, ..., 85, with modes at 24 and 43.
AGES_PER_10_000: Final = (
    164, 430, 553, 637, 680, 542, 355, 281, 235, 195, 165, 146, 131, 132, 129, 130, 133, 142, 151,
    167, 187, 206, 210, 221, 220, 217, 207, 193, 187, 173, 163, 155, 146, 140, 130, 118, 107, 103,
    100, 95, 93, 88, 82, 80, 75, 73, 73, 69, 65, 65, 61, 53, 53, 51, 47, 42, 36, 36, 31, 24, 23,
    2, 1, 1, 0.4, 0.3,
)  # fmt: skip

# 157 channels: ten have their own shares by age; the shares of the rest follow from their rank.
LEADING_CHANNELS: Final = (152, 26, 124, 160, 156, 122, 157, 154, 151, 163)
LATER_CHANNELS: Final = (
    13, 25, 7, 8, 30, 55, 155, 11, 1, 52, 125, 15, 29, 120, 12, 24, 31, 153, 14, 61, 16, 60, 3, 4,
    158, 23, 22, 150, 10, 19,
)  # fmt: skip
UNUSED_CHANNELS: Final = (5, 72, 77, 85, 161, 162)
LAST_CHANNEL: Final = 163
# The share of the k-th of the other 147 channels is proportional to 0.949 ** k: 0.5 % of the book
# for the first, two in a million for the last.
RANK_DECAY: Final = 0.949

# Channel shares per 1,000 policyholders of an age, interpolated linearly between ages; the columns
# are LEADING_CHANNELS, then all others together.
CHANNELS_PER_1_000_BY_AGE: Final = {
    20: (4.0, 9.3, 14.5, 876.5, 53.2, 2.5, 16.5, 1.1, 0.1, 10.8, 11.4),
    21: (467.3, 8.4, 17.4, 446.2, 19.5, 2.3, 6.3, 12.6, 0.2, 12.2, 7.6),
    22: (819.7, 26.5, 24.9, 96.0, 8.4, 1.7, 2.8, 4.6, 0.5, 7.4, 7.6),
    23: (781.8, 59.7, 19.6, 57.7, 6.8, 2.2, 2.7, 2.9, 57.6, 3.1, 5.8),
    25: (864.6, 29.6, 22.0, 40.1, 9.0, 2.6, 3.3, 3.3, 16.9, 3.0, 5.6),
    27: (812.4, 31.4, 31.2, 43.3, 25.8, 3.6, 9.3, 8.8, 15.9, 5.1, 13.2),
    29: (663.2, 45.0, 82.9, 42.2, 48.6, 7.8, 26.5, 30.6, 14.6, 10.7, 28.0),
    31: (488.4, 81.1, 178.4, 31.2, 71.0, 14.8, 34.3, 34.7, 11.0, 15.4, 39.8),
    33: (302.9, 121.8, 259.2, 24.5, 77.3, 28.6, 47.0, 48.7, 8.6, 16.4, 65.1),
    35: (189.9, 155.6, 325.2, 17.4, 77.8, 35.9, 47.3, 43.3, 5.7, 16.9, 84.9),
    38: (87.8, 219.3, 383.0, 9.8, 57.4, 39.5, 37.7, 35.1, 2.4, 16.5, 111.6),
    42: (38.3, 307.3, 390.7, 4.9, 35.1, 35.2, 26.1, 24.9, 0.4, 9.6, 127.7),
    47: (20.8, 399.4, 346.9, 3.4, 27.4, 30.7, 22.4, 15.1, 0.1, 7.6, 126.2),
    55: (29.7, 435.4, 281.7, 5.2, 22.2, 41.9, 21.0, 14.0, 0.2, 6.6, 142.1),
    65: (23.6, 405.4, 262.5, 5.6, 23.0, 67.9, 16.6, 11.2, 0.4, 3.9, 179.7),
    75: (12.3, 415.4, 257.6, 1.5, 15.2, 78.7, 12.8, 6.4, 0.1, 1.0, 200.1),
}

# Policyholders per 10,000 in regions 0, 1, ..., 52.
REGIONS_PER_10_000: Final = (
    53, 27, 106, 244, 47, 33, 164, 85, 883, 80, 115, 243, 83, 106, 123, 350, 54, 68, 136, 40, 50,
    112, 34, 51, 64, 66, 69, 73, 2794, 291, 321, 52, 74, 203, 43, 183, 229, 145, 52, 121, 33, 479,
    16, 69, 21, 149, 519, 195, 124, 47, 268, 5, 7,
)  # fmt: skip
LARGEST_REGION: Final = 28
# Share of the largest region within each channel, in the order of the columns above.
LARGEST_REGION_SHARE: Final = (
    0.102, 0.471, 0.372, 0.044, 0.203, 0.788, 0.249, 0.269, 0.083, 0.244, 0.406,
)  # fmt: skip

# Share of vehicles under 1 year and over 2 years old by the policyholder's age, interpolated
# linearly. In the three channels for new vehicles, all are under 1 year up to age 33.
NEW_VEHICLE_CHANNELS: Final = (152, 160, 151)
NEW_CHANNEL_YOUNG_VEHICLE_SHARE: Final = {20: 1.0, 33: 1.0, 34: 0.06, 35: 0.009, 75: 0.002}
SECOND_CHANNELS: Final = (26, 163)
SECOND_YOUNG_VEHICLE_SHARE: Final = {
    20: 0.5, 21: 0.65, 22: 0.85, 23: 0.9, 25: 0.88, 27: 0.74, 29: 0.55, 31: 0.45, 33: 0.39,
    34: 0.061, 35: 0.009, 42: 0.005, 75: 0.002,
}  # fmt: skip
YOUNG_VEHICLE_SHARE: Final = {
    20: 0.4, 24: 0.57, 27: 0.45, 29: 0.38, 33: 0.31, 34: 0.061, 35: 0.009, 42: 0.005, 75: 0.002,
}  # fmt: skip
OLD_VEHICLE_SHARE: Final = {20: 0.0, 30: 0.001, 35: 0.018, 42: 0.048, 47: 0.071, 55: 0.1, 65: 0.119}

# Share already insured by channel, for vehicles under 1 year and of 1-2 years, times a factor for
# the policyholder's age. Owners of vehicles over 2 years are almost never insured.
INSURED_SHARE_YOUNG_VEHICLE: Final = (
    0.734, 0.442, 0.105, 0.61, 0.154, 0.155, 0.187, 0.193, 0.604, 0.229, 0.42,
)  # fmt: skip
INSURED_SHARE_MIDDLE_VEHICLE: Final = (
    0.683, 0.325, 0.315, 0.487, 0.134, 0.307, 0.103, 0.161, 0.716, 0.093, 0.388,
)  # fmt: skip
INSURED_SHARE_OLD_VEHICLE: Final = 0.0026
INSURED_FACTOR_YOUNG_VEHICLE: Final = {
    20: 0.8, 21: 0.87, 22: 0.93, 24: 1.0, 26: 1.08, 33: 1.0, 36: 0.3,
}  # fmt: skip
INSURED_FACTOR_MIDDLE_VEHICLE: Final = {20: 0.5, 24: 1.0, 48: 0.93, 58: 1.05, 68: 1.3, 75: 1.4}

# Share of damaged vehicles by vehicle age, for policyholders not insured and insured.
DAMAGED_SHARE: Final = ((0.795, 0.906, 0.999), (0.037, 0.09, 0.868))

MALE_SHARE: Final = {
    20: 0.467, 24: 0.433, 28: 0.46, 35: 0.55, 42: 0.603, 55: 0.665, 65: 0.617, 75: 0.574,
}  # fmt: skip
UNLICENSED_SHARE: Final = {35: 0.0, 42: 0.0008, 47: 0.0012, 55: 0.0027, 65: 0.01, 75: 0.02}

PREMIUM_FLOOR: Final = 2630  # rupees per year
# Share of premiums at the floor by channel, for regions not in FLOOR_ODDS.
FLOOR_SHARE: Final = (
    0.094, 0.166, 0.154, 0.246, 0.752, 0.189, 0.674, 0.184, 0.138, 0.318, 0.18,
)  # fmt: skip
# Factor of a region on the odds of the floor; in five regions nobody pays more than the floor.
FLOOR_ODDS: Final = {28: 0.4, 8: 0.75, 7: 3.5, 0: 900.0, 1: 900.0, 20: 900.0, 31: 900.0, 48: 900.0}
# Premiums above the floor, in rupees, at these quantiles; two regions are more expensive.
PREMIUM_QUANTILES: Final = (
    0, 0.001, 0.01, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99, 0.999, 0.9999, 1,
)  # fmt: skip
PREMIUMS: Final = (
    6100, 14030, 17680, 21250, 23190, 25700, 27640, 29380, 31140, 33020, 35200, 37910, 42770,
    47900, 61540, 99980, 213840, 508070,
)  # fmt: skip
DEAR_REGIONS: Final = (28, 8)
DEAR_PREMIUMS: Final = (
    6470, 19640, 22630, 25950, 28300, 31640, 34460, 37180, 39740, 42540, 45690, 49930, 57350,
    65260, 86700, 158620, 340440, 540160,
)  # fmt: skip

FIRST_VINTAGE: Final = 10  # days with the company, uniform from 10 to 299
N_VINTAGES: Final = 290
